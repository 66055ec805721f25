"""Public and refused addresses, and valid and refused URLs."""

import pytest

from calltally.net.addresses import TargetUrl, parse_networks, parse_target, refusal_reason

REFUSED = (
    ("127.0.0.1", "loopback"),
    ("127.8.9.10", "loopback"),
    ("::1", "loopback"),
    ("0.0.0.0", "no host address"),  # noqa: S104 (refused)
    ("::", "no host address"),
    ("10.1.2.3", "private"),
    ("172.16.0.1", "private"),
    ("192.168.1.1", "private"),
    ("fd00:ec2::254", "private"),
    ("169.254.169.254", "link-local"),
    ("fe80::1", "link-local"),
    ("168.63.129.16", "metadata"),
    ("100.100.100.200", "not public"),
    ("192.0.0.192", "not public"),
    ("198.18.0.1", "private"),
    ("255.255.255.255", "private"),
    ("224.0.0.1", "multicast"),
    ("ff02::1", "multicast"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::7f00:1", "not public"),
    ("2002:7f00:1::", "loopback"),
    ("2001:0:4136:e378:8000:63bf:80ff:fffe", "loopback"),
    ("64:ff9b::a9fe:a9fe", "link-local"),
    ("64:ff9b:1::1", "not public"),
    ("4000::1", "not public"),
)


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_non_public_addresses_are_refused(address: str, why: str) -> None:
    assert why in (refusal_reason(address) or "")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "64:ff9b::5db8:d70e", "1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert refusal_reason(address) is None


def test_operator_allows_networks_and_nothing_else() -> None:
    allowed = parse_networks("127.0.0.0/8, fd00::/8")
    assert refusal_reason("127.0.0.1", allowed) is None
    assert refusal_reason("::ffff:127.0.0.1", allowed) is None
    assert refusal_reason("fd00:ec2::254", allowed) is None
    assert refusal_reason("10.0.0.1", allowed) is not None


def test_target_has_the_url_parts_of_a_request() -> None:
    assert parse_target("https://Example.com./a/b?c=%2F") == TargetUrl(
        "https", "example.com", 443, "/a/b?c=%2F"
    )
    assert parse_target("https://example.com").path == "/"
    assert parse_target("https://example.com:8443/").authority == "example.com:8443"
    assert parse_target("https://[2606:4700::1]/").authority == "[2606:4700::1]"
    plain = parse_target("http://h:80/", allow_http=True)
    assert (plain.authority, plain.is_secure) == ("h", False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("example.com", "https://"),
        ("https://", "contain a host"),
        ("https://user:secret@example.com/", "a user"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com/a b", "percent-encode"),
        ("https://example.com\\@127.0.0.1/", "percent-encode"),
        ("https://example.com/\r\nx: y", "percent-encode"),
        ("https://exämple.com/", "percent-encode"),
        ("https://example.com:0/", "port"),
        ("https://example.com:99999/", "Port"),
        ("https://ex%61mple.com/", "contain a host"),
        ("https://[fe80::1%25eth0]/", "contain a host"),
        ("https://[::1/", "Invalid"),
        ("https://example.com/" + "a" * 2000, "2000"),
    ],
)
def test_ambiguous_url_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_target(url)
