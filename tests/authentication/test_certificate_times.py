"""What a certificate says about its times, in every form that it may have."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from oauth_cc_auth._authentication.certificate_times import validity_of

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client.example.com")])


def at(year: int) -> datetime:
    return datetime(year, 2, 3, 4, 5, 6, tzinfo=timezone.utc)


def made(begins: int, ends: int, names: int = 1) -> bytes:
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(KEY.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(at(begins)).not_valid_after(at(ends))
    others: Any = [x509.DNSName(f"{number}.example.com") for number in range(names)]
    builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("years", [(1951, 1999), (2000, 2049), (2024, 2050), (2050, 9999)])
@pytest.mark.parametrize("names", [1, 5000])
def test_times(years: tuple[int, int], names: int) -> None:
    """In two or four digits of the year, and however long the certificate is."""
    validity = validity_of(made(*years, names))
    assert validity == (at(years[0]), at(years[1]))


def test_what_is_said_of_them() -> None:
    """In UTC; nothing as long as the certificate is good."""
    validity = validity_of(made(2020, 2022))
    assert validity is not None
    assert validity.problem(at(2021)) == ""
    assert validity.problem(at(2019)) == "it is not valid before 2020-02-03 04:05 UTC"
    assert validity.problem(at(2023)) == "it has expired at 2022-02-03 04:05 UTC"


def test_a_certificate_of_version_1() -> None:
    """It names no version."""
    name, times = bytes([0x30, 0]), b"\x30\x1e" + b"\x17\x0d200203040506Z" + b"\x17\x0d220203040506Z"
    fields = b"\x02\x01\x07" + name + name + times
    assert validity_of(_sequence(_sequence(fields))) == (at(2020), at(2022))


@pytest.mark.parametrize(
    "der", [b"", b"0", b"\x30\x82", b"\x31\x02\x30\x00", b"\x30\x00", made(2020, 2022)[:40], b"\x30" * 60]
)
def test_what_is_no_certificate(der: bytes) -> None:
    """Nothing is known of it, and nothing is raised."""
    assert validity_of(der) is None


@pytest.mark.parametrize("wrong", ["2002030405Z00", "9913030405060", "\xff" * 13])
def test_times_of_another_form(wrong: str) -> None:
    """Only that of RFC 5280 counts."""
    times = b"\x30\x0f\x17\x0d" + wrong.encode("latin-1")
    assert validity_of(_sequence(_sequence(b"\x02\x01\x07\x30\x00\x30\x00" + times))) is None


def _sequence(content: bytes) -> bytes:
    return bytes([0x30, len(content)]) + content
