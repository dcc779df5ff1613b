"""Divisions by their codes alone (GB/T 2260): county, city, province."""


def covering(code: str) -> list[str]:
    """The county, city and province a division lies in, the nearest first, with their filling zeros; itself among them."""
    county = code[:6]
    levels = (county, f"{county[:4]}00", f"{county[:2]}0000")
    return list(dict.fromkeys(levels[_level(county) :]))


def _level(county: str) -> int:
    return 2 if county.endswith("0000") else 1 if county.endswith("00") else 0
