"""The polite client: how every source that speaks HTTP asks, once and for all.

    client = client_for(surroundings, hosts=("example.org", "*.example.org"))
    answer = client.get("https://example.org/api", params={"page": "2"})       # an Answer: json(), text(), body
    with client.open("https://example.org/a.flac", offset=12, validator='"x"') as delivery:   # archiver.ports.sources.Delivery
        ...
    client.close()

`client` says what is promised; `docs/sources.md` says it to people.
"""
