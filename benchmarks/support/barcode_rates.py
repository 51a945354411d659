"""How many drawn photographs of books' barcodes are read, over angle and blur; docs/isbn.md quotes it.

Each cell is of `--photos` pictures of 1200 x 900 pixels, each of another book, with noise, the barcode in
another place, turned up to 4 degrees more or less and tilted by chance. Beside what the hub reads:
zxing-cpp alone, as it is by default.
"""

from __future__ import annotations

import argparse
import json
import time

import cv2
import numpy as np
import zxingcpp
from support.report import tabulate

from hub.demo.cloud.book_photo import Shot, take_photo
from plugins.isbn_barcode import read_barcodes
from plugins.isbn_number import check_digit_13

ANGLES = (0, 10, 20, 30, 45, 60, 90, 135, 180)
BLURS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def draw_photo(
    rng: np.random.Generator, angle: float, blur: float, module_px: float
) -> tuple[str, np.ndarray]:
    """Return a book's ISBN-13 and its grey photograph."""
    body = "978" + "".join(map(str, rng.integers(0, 10, 9)))
    digits = body + check_digit_13(body)
    at = (rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.6))
    shot = Shot(module_px, angle + rng.uniform(-4, 4), blur, rng.uniform(-0.15, 0.15), at)
    photo = take_photo([(digits, shot)], size=(1200, 900), seed=int(rng.integers(2**31)))
    return digits, cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)


def read_alone(photo: np.ndarray) -> set[str]:
    """Return what zxing-cpp reads by itself."""
    return {code.text for code in zxingcpp.read_barcodes(photo, formats=zxingcpp.BarcodeFormat.EAN13)}


def measure(photos: int, module_px: float) -> dict[str, object]:
    """Return read rates by blur and angle, both ways, wrong readings, and milliseconds a picture."""
    rng = np.random.default_rng(1)
    rates: dict[str, dict[str, list[float]]] = {"hub": {}, "zxing-cpp alone": {}}
    wrong, times = 0, []
    for blur in BLURS:
        rows = {name: [] for name in rates}
        for angle in ANGLES:
            right = dict.fromkeys(rates, 0)
            for _ in range(photos):
                digits, photo = draw_photo(rng, angle, blur, module_px)
                began = time.perf_counter()
                found = {reading.isbn.isbn13 for reading in read_barcodes(photo)}
                times.append(time.perf_counter() - began)
                right["hub"] += found == {digits}
                wrong += bool(found - {digits})
                right["zxing-cpp alone"] += read_alone(photo) == {digits}
            for name in rates:
                rows[name].append(right[name] / photos)
        for name in rates:
            rates[name][f"{blur:g}"] = rows[name]
    p50, p99 = (float(value) * 1000 for value in np.percentile(times, (50, 99)))
    return {
        "module_px": module_px,
        "rates": rates,
        "wrong": wrong,
        "pictures": len(times),
        "p50_ms": p50,
        "p99_ms": p99,
    }


def describe(found: dict) -> str:
    """Return the tables for people."""
    heads = ("blur", *(f"{angle}°" for angle in ANGLES), "all")
    parts = [f"Share read, narrowest bar {found['module_px']:g} px; blur: standard deviation in such bars"]
    for name, rows in found["rates"].items():
        table = [
            (blur, *(f"{rate:.2f}" for rate in row), f"{np.mean(row):.2f}") for blur, row in rows.items()
        ]
        parts.append(f"{name}\n{tabulate(heads, table)}")
    told = (
        "{wrong} of {pictures} pictures gave a book that is not in them; "
        "{p50_ms:.0f} ms a picture, p99 {p99_ms:.0f} ms"
    )
    return "\n\n".join([*parts, told.format(**found)])


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--photos", type=int, default=10, help="pictures a cell")
    options.add_argument("--module-px", type=float, default=3.0, help="width of the narrowest bar")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    found = measure(chosen.photos, chosen.module_px)
    print(json.dumps(found) if chosen.json else describe(found))
