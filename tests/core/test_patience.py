from archiver.core.patience import LONGEST_WAIT, Patience


def test_waits_double_and_stay_within_a_quarter_of_jitter():
    patience = Patience(first_wait=30, tries=5)
    waits = [patience.wait_before(number, retry_after=None, what="a") for number in (2, 3, 4, 5)]
    for wait, whole in zip(waits, (30, 60, 120, 240), strict=True):
        assert wait is not None
        assert 0.75 * whole <= wait <= whole


def test_there_is_no_try_beyond_the_last():
    assert Patience(tries=3).wait_before(4, retry_after=None, what="a") is None


def test_no_wait_is_longer_than_a_quarter_of_an_hour():
    wait = Patience(first_wait=30, tries=20).wait_before(15, retry_after=None, what="a")
    assert wait is not None
    assert wait <= LONGEST_WAIT


def test_a_source_that_says_how_long_is_obeyed():
    assert Patience(first_wait=1).wait_before(2, retry_after=7, what="a") == 7


def test_a_source_that_asks_for_hours_is_left_alone():
    assert Patience(first_wait=1).wait_before(2, retry_after=3600, what="a") is None


def test_two_files_do_not_come_back_at_the_same_moment():
    patience = Patience(first_wait=30)
    assert patience.wait_before(2, retry_after=None, what="a") != patience.wait_before(2, retry_after=None, what="b")
