"""Books' barcodes in drawn photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp

from hub.demo.cloud.book_photo import Shot, draw_barcode, take_photo
from plugins.isbn_barcode import read_barcodes

PYTHON, WEB, NOVEL, FRENCH = "9784798045733", "9784537256109", "9784839964566", "9791090636071"
PRICE = "1920095015002"


def look(*books: tuple[str, Shot], seed: int = 0, size: tuple[int, int] = (1200, 900)) -> np.ndarray:
    return cv2.cvtColor(take_photo(books, size=size, seed=seed), cv2.COLOR_BGR2GRAY)


def read(*books: tuple[str, Shot], seed: int = 0) -> list[str]:
    return [reading.isbn.isbn13 for reading in read_barcodes(look(*books, seed=seed))]


@pytest.mark.parametrize("digits", [PYTHON, WEB, NOVEL, FRENCH, PRICE])
def test_drawn_barcode_is_the_one_that_the_library_draws(digits: str) -> None:
    (found,) = zxingcpp.read_barcodes(draw_barcode(digits))
    assert (found.text, found.format) == (digits, zxingcpp.BarcodeFormat.EAN13)


@pytest.mark.parametrize("angle", [0, 20, 30, 45, 70, 90, 135, 180, 225, 300])
@pytest.mark.parametrize("blur", [0, 0.5, 0.7])
def test_barcode_is_read_at_any_angle_and_blurred(angle: float, blur: float) -> None:
    assert read((PYTHON, Shot(3, angle, blur))) == [PYTHON]


@pytest.mark.parametrize("tilt", [-0.3, 0.3])
def test_barcode_is_read_when_the_book_is_seen_askew(tilt: float) -> None:
    assert read((WEB, Shot(4, 25, 0.3, tilt))) == [WEB]


def test_barcodes_of_several_books_are_read_from_one_picture_from_left_to_right() -> None:
    books = (
        (PYTHON, Shot(2, 20, 0.2, at=(0.22, 0.25))),
        (WEB, Shot(2, -65, 0.6, at=(0.75, 0.3))),
        (FRENCH, Shot(2.5, 180, 0, 0.1, at=(0.3, 0.75))),
    )
    assert sorted(read(*books)) == sorted([PYTHON, WEB, FRENCH])
    lefts = [reading.box.left for reading in read_barcodes(look(*books))]
    assert lefts == sorted(lefts)


@pytest.mark.parametrize(("blur", "sharpened"), [(0, False), (0.7, True)])
def test_reading_says_whether_the_picture_had_to_be_sharpened(blur: float, sharpened: bool) -> None:
    (reading,) = read_barcodes(look((PYTHON, Shot(3, 30, blur))))
    assert reading.sharpened == sharpened


@pytest.mark.parametrize("angle", [0, 33])
def test_box_lies_around_the_bars(angle: float) -> None:
    shot = Shot(3, angle, 0.2, at=(0.4, 0.6))
    (reading,) = read_barcodes(look((PYTHON, shot)))
    middle = reading.box.left + reading.box.width / 2, reading.box.top + reading.box.height / 2
    turn = np.deg2rad(angle)
    width = (95 * np.cos(turn) + 69 * np.sin(turn)) * 3 / 1200
    assert middle == pytest.approx((0.4, 0.6), abs=0.02)
    assert reading.box.width == pytest.approx(width, rel=0.1)


def test_price_beside_a_japanese_isbn_is_left_out() -> None:
    books = ((PYTHON, Shot(2.5, at=(0.5, 0.3))), (PRICE, Shot(2.5, at=(0.5, 0.72))))
    assert read(*books) == [PYTHON]
    assert read((PRICE, Shot(3, 30, 0.5))) == []


def test_same_book_twice_in_a_picture_is_read_twice() -> None:
    assert read((NOVEL, Shot(2, 10, at=(0.25, 0.5))), (NOVEL, Shot(2, 80, at=(0.75, 0.5)))) == [NOVEL] * 2


def test_barcode_too_blurred_to_be_read_is_no_book() -> None:
    assert read((PYTHON, Shot(3, 10, 1.6))) == []


@pytest.mark.parametrize("seed", range(5))
def test_pictures_without_a_book_give_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stripes = np.tile(rng.integers(0, 2, (1, 300), np.uint8).repeat(4, axis=1) * 255, (900, 1))
    assert read_barcodes(stripes) == []
    assert read_barcodes(rng.integers(0, 256, (900, 1200), np.uint8)) == []
    assert read_barcodes(look(seed=seed)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (39, 39), (9, 30_000)])
def test_pictures_of_any_shape_are_read(shape: tuple[int, int]) -> None:
    assert read_barcodes(np.zeros(shape, np.uint8)) == []
