"""What Kubernetes takes for names, keys, ports and addresses, and what it says otherwise."""

from __future__ import annotations

import pytest

from apiserver.machinery import names


@pytest.mark.parametrize(("check", "good", "bad"), [
    (names.is_dns1123_label, ["a", "a-1", "0", "x" * 63], ["", "A", "-a", "a-", "a.b", "x" * 64]),
    (names.is_dns1123_subdomain, ["a", "a.b-c.0", "x" * 253], ["", "a..b", ".a", "a.", "A", "a_b"]),
    (names.is_dns1035_label, ["a", "a-1"], ["1a", "", "a-", "A"]),
    (names.is_wildcard_dns1123_subdomain, ["*.a", "*.a.b"], ["*", "a.b", "*a.b", "*.*.b"]),
    (names.is_path_segment, ["a", "A:b", "..."], [".", "..", "a/b", "a%"]),
    (names.is_qualified_name, ["a", "A.b_c-d", "x.io/a", "x" * 63],
     ["", "/a", "a/", "a/b/c", "-a", "X.io/a", "x" * 64]),
    (names.is_valid_label_value, ["", "a", "A_b.c-d"], ["-a", "a b", "x" * 64]),
    (names.is_c_identifier, ["a", "_a1"], ["", "1a", "a-b"]),
    (names.is_relaxed_env_name, ["a b", "1", "~"], ["", "a=b"]),
    (names.is_config_map_key, ["a", ".a", "A_b-c.d"], ["", ".", "..", "..a", "a/b", "x" * 254]),
    (names.is_valid_port, [1, 65535], [0, -1, 65536]),
    (names.is_valid_port_name, ["http", "a1-b", "x" * 15],
     ["", "x" * 16, "80", "-a", "a--b", "a-", "A"]),
    (names.is_valid_percent, ["1%", "100%", "999%"], ["1", "%", "a%", "-1%"]),
    (names.is_http_header_name, ["X-A", "a1"], ["", "a b", "a:b", "a_b"]),
    (names.is_valid_ip, ["10.0.0.1", "::1", "2001:db8::1"],
     ["010.0.0.1", "10.0.0", "a", "", "::ffff:1.2.3.4", "fe80::1%eth0"]),
    (names.is_valid_ip_legacy, ["2001:DB8::0001"], ["010.0.0.1", "::ffff:1.2.3.4", "10.0.0", "x"]),
    (names.is_valid_cidr, ["10.0.0.0/8", "2001:db8::/64"], ["10.0.0.1/8", "10.0.0.0/33", "a/8"]),
    (names.is_valid_cidr_legacy, ["2001:DB8::/64"],
     ["10.0.0.1/8", "10.0.0.0/08", "010.0.0.0/8", "10.0.0.0", "10.0.0.0/99", "::ffff:1.0.0.0/104"]),
])
def test_checks_say_nothing_about_what_is_right(check: object, good: list[object],
                                                bad: list[object]) -> None:
    assert callable(check)
    assert [value for value in good if check(value)] == []
    assert [value for value in bad if not check(value)] == []


def test_messages_are_those_of_kubernetes() -> None:
    assert names.is_dns1123_label("A") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
        "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
        "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"]
    assert names.is_dns1123_label("a" * 64) == ["must be no more than 63 characters"]
    assert names.is_valid_port(0) == ["must be between 1 and 65535, inclusive"]
    assert names.is_path_segment("a/b") == ["may not contain '/'"]
    assert names.is_valid_ip_legacy("010.0.0.1") == ["must not have leading 0s"]
    assert names.is_valid_ip("2001:DB8::1") == ['must be in canonical form ("2001:db8::1")']
    assert names.is_valid_ip("x") == ["must be a valid IP address, (e.g. 10.9.8.7 or "
                                      "2001:db8::ffff)"]


def test_several_faults_are_all_named() -> None:
    assert len(names.is_qualified_name("-" * 64)) == 2
    assert len(names.is_valid_port_name("-" * 16)) >= 2


def test_sloppy_addresses_are_read_as_go_reads_them() -> None:
    assert str(names.parse_ip("010.001.0.1")) == "10.1.0.1"
    parsed = names.parse_cidr("10.1.2.3/8")
    assert parsed is not None
    assert (str(parsed[0]), str(parsed[1])) == ("10.1.2.3", "10.0.0.0/8")


def test_the_end_of_a_generated_name_may_be_a_dash() -> None:
    assert names.is_dns1123_label(names.mask_trailing_dash("web-")) == []
