import pytest

from archiver.core.bags.fetching import refused_address


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
     "http://intranet/", "http://a.local/", "http://user@example.org/", "http://169.254.169.254/", "https://10.1.2.3:8080/x",
     "http://[bad/", "http://host:99999/", "http://host.example:0/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/",
     "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://[ff02::1]/", "http://①②⑦.⓪.⓪.①/", "http://%31%32%37.0.0.1/",
     "http://127.0.0.1%00.example.com/", "http://1.2.3.4.5/", "http://[fe80::1%25eth0]/", "http://@/"],
)  # fmt: skip
def test_nothing_is_fetched_from_inside_in_whatever_spelling(url):
    assert refused_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://archive.org/x",
        "https://8.8.8.8/x",
        "http://[2606:4700::1111]/",
        "http://[64:ff9b::808:808]/",
        "https://käse.example.org/",
        "https://3com.example/",
    ],
)
def test_a_public_host_is_not_refused(url):
    assert refused_address(url) == ""
