import nf


def test_public_names_are_sorted_and_exist() -> None:
    assert list(nf.__all__) == sorted(nf.__all__)
    assert all(hasattr(nf, name) for name in nf.__all__)
