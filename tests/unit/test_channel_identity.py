"""Addresses and phone numbers in one comparable form."""

import pytest

from services.intake.channels.identity import canonical_email, canonical_phone


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (" Wang@Example.COM ", "wang@example.com"),
        ("mailto:wang@example.com", "wang@example.com"),
        ("ｗａｎｇ＠example.com", "wang@example.com"),
        ("wang+a@example.com.", "wang+a@example.com"),
        ("王@例子.example", "王@例子.example"),
        ("wang", None),
        ("a@b@c", None),
        ("a b@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_email(written, canonical):
    assert canonical_email(written) == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("13800138000", "+8613800138000"),
        ("138 0013 8000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("tel:+8613800138000", "+8613800138000"),
        ("sip:+8613800138000@pbx.example;user=phone", "+8613800138000"),
        ("021-62345678转801", "+862162345678"),
        ("4008001234", "+864008001234"),
        ("+44 20 7946 0000 ext. 12", "+442079460000"),
        ("anonymous", None),
        ("12345", None),
        ("1" * 1000, None),
        ("", None),
        (None, None),
    ],
)
def test_phone(written, canonical):
    assert canonical_phone(written) == canonical


def test_national_numbers_belong_to_the_region_given():
    assert canonical_phone("020 7946 0000", "GB") == "+442079460000"
