"""SHA-crypt, against the vectors of its publication and against openssl."""

import subprocess

import pytest

from nf.mgmt.crypt_hash import DUMMY, check, hash_password, problem_of, sha_crypt

VECTORS = [
    (
        "$5$saltstring",
        "Hello world!",
        "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    ),
    (
        "$6$saltstring",
        "Hello world!",
        (
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
            "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        ),
    ),
    (
        "$6$rounds=10000$saltstringsaltst",
        "Hello world!",
        (
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sb"
            "HbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."
        ),
    ),
]


@pytest.mark.parametrize(("setting", "password", "hashed"), VECTORS)
def test_gives_what_was_published(setting: str, password: str, hashed: str) -> None:
    assert sha_crypt(password.encode(), setting) == hashed
    assert check(password, hashed)
    assert not check(password + ".", hashed)


@pytest.mark.parametrize("kind", ["5", "6"])
@pytest.mark.parametrize("password", ["a", "correct horse", "x" * 64, "ü" * 33, "y" * 131])
@pytest.mark.parametrize("salt", ["s", "saltstring", "abcdefghijklmnop"])
def test_gives_what_openssl_gives(kind: str, password: str, salt: str) -> None:
    theirs = subprocess.run(
        ["openssl", "passwd", f"-{kind}", "-salt", salt, "-stdin"],
        input=password.encode(),
        capture_output=True,
        check=True,
    )

    assert sha_crypt(password.encode(), f"${kind}${salt}") == theirs.stdout.decode().strip()


def test_two_hashes_of_one_password_differ_and_both_fit() -> None:
    one, other = hash_password("secret"), hash_password("secret")

    assert one != other
    assert check("secret", one)
    assert check("secret", other)


@pytest.mark.parametrize(
    "stored",
    ["", "secret", "$1$abc$def", "$6$salt$short", "$0$secret", "$6$rounds=999999999$s$" + "a" * 86],
)
def test_what_is_no_hash_fits_no_password(stored: str) -> None:
    assert problem_of(stored) is not None
    assert not check("secret", stored)
    assert not check("", stored)


def test_the_hash_of_nobody_fits_nothing() -> None:
    assert problem_of(DUMMY) is None
    assert not check("", DUMMY)
    assert not check("nobody", DUMMY)


@pytest.mark.parametrize("password", ["", "x" * 1025])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(ValueError, match="1 to 1024"):
        hash_password(password)
    assert not check("x" * 1025, hash_password("x"))
