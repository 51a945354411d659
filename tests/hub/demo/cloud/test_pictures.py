"""The cloud demo's pictures."""

from __future__ import annotations

import cv2
import numpy as np

from hub.demo.cloud.pictures import BOOKS, draw_book, draw_sign, read_thumbs
from plugins.isbn_barcode import read_barcodes


def pixels(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def test_books_show_their_barcode_or_none() -> None:
    for number in range(9):
        found = read_barcodes(pixels(draw_book(number, barcode=True).data))
        assert [book.isbn.isbn13 for book in found] == [BOOKS[number % len(BOOKS)]]
        assert read_barcodes(pixels(draw_book(number, barcode=False).data)) == []


def test_every_fourth_sign_has_no_words() -> None:
    found = [bool(draw_sign(number).answers["DetectText"]["TextDetections"]) for number in range(8)]
    assert found == [True, False, True, True] * 2


def test_signs_are_all_different() -> None:
    assert len({draw_sign(number).digest for number in range(20)}) == 20


def test_frames_of_the_clip_come_with_what_they_show() -> None:
    counts = [len(picture.answers["DetectCustomLabels"]["CustomLabels"]) for picture in read_thumbs()]
    assert len(counts) == 18
    assert 0 in counts
    assert 1 in counts
