"""Scenes of the hiragana clip: a card with one character, held before the camera by no steady hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.demo.backdrops import BACKDROPS
from edge.demo.scene import Swing
from edge.demo.video import HEIGHT, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = Path("/usr/share/fonts/truetype")
# Of Debian's fonts-sawarabi-gothic, fonts-hanazono, fonts-motoya-l-maruberi and fonts-kiloji; the model was
# trained on none of them.
FONTS = (
    "sawarabi-gothic/sawarabi-gothic-medium.ttf",
    "hanazono/HanaMinA.ttf",
    "motoya-l-maruberi/MTLmr3m.ttf",
    "kiloji/kiloji.ttf",
)
CARD_SIDE = 600  # pixels of the card as it is drawn; the character's body takes BODY of it
BODY = 0.55
MIN_SIZE, MAX_SIZE = 0.80, 0.92  # of the frame's height, as the character's body
MAX_TILT_DEGREES = 7.0
MAX_TURN_DEGREES = 14.0  # to the side, or up and down
DISTANCE = 2.0  # from which the card is seen, in its own sides
COMING_S = 0.2  # from below


@dataclass(frozen=True, eq=False)
class Card:
    """A card: (600, 600, 3) float32 BGR pixels, and the (n, 2) hull of the character on it."""

    pixels: NDArray[np.float32]
    hull: NDArray[np.float32]


@cache
def draw_mask(font: str, character: str) -> NDArray[np.float32]:
    """Return a character as (600, 600) coverage, 0..1.

    Raises:
        OSError: The font is not installed.
    """
    path = FOLDER / font
    if not path.exists():
        raise OSError(f"{path}: is not installed (apt-get install fonts-{Path(font).parent})")
    picture = Image.new("L", (CARD_SIDE, CARD_SIDE), 0)
    face = ImageFont.truetype(path, round(CARD_SIDE * BODY))
    ImageDraw.Draw(picture).text((CARD_SIDE / 2, CARD_SIDE / 2), character, fill=255, font=face, anchor="mm")
    return np.asarray(picture, np.float32) / np.float32(255)


def print_card(rng: np.random.Generator, font: str, character: str, *, dark: bool) -> Card:
    """Print a card: dark ink on light paper, or on `dark` paper light ink."""
    mask = draw_mask(font, character)
    paper, ink = rng.uniform(215, 245) * rng.uniform(0.92, 1, 3), rng.uniform(15, 60, 3)
    if dark:
        paper, ink = ink, paper
    hull = (
        cv2.convexHull(np.argwhere(mask > 0.5)[:, ::-1].astype(np.float32)).reshape(-1, 2).astype(np.float32)
    )
    coverage = mask[:, :, None]
    return Card((paper * (1 - coverage) + ink * coverage).astype(np.float32), hull)


@dataclass(frozen=True, eq=False)
class CardScene:
    """A backdrop, and before it a card that sways, or none. Angles in degrees, x and y in pixels."""

    backdrop: NDArray[np.float32]
    card: Card | None
    size: Swing
    tilt: Swing
    turn: tuple[Swing, Swing]
    x: Swing
    y: Swing
    blur: float
    noise: float

    def place(self, second: float) -> NDArray[np.float64]:
        """Return the (3, 3) matrix from the card's pixels to the frame's."""
        side, up = (np.deg2rad(swing.at(second)) for swing in self.turn)
        about_y = np.array([[np.cos(side), 0, np.sin(side)], [0, 1, 0], [-np.sin(side), 0, np.cos(side)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(up), -np.sin(up)], [0, np.sin(up), np.cos(up)]])
        tilt = np.deg2rad(self.tilt.at(second))
        about_z = np.array([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
        turned = (about_x @ about_y @ about_z)[:, :2] / CARD_SIDE
        scale = self.size.at(second) * HEIGHT / BODY * DISTANCE
        coming = HEIGHT * 1.1 * max(0.0, 1 - second / COMING_S)
        middle = np.array([self.x.at(second), self.y.at(second) + coming])
        depth = turned[2] / DISTANCE
        rows = np.vstack([turned[:2] * scale / DISTANCE + np.outer(middle, depth), depth])
        onto = np.column_stack([rows, [*middle, 1]])
        return np.asarray(onto @ np.array([[1, 0, -CARD_SIDE / 2], [0, 1, -CARD_SIDE / 2], [0, 0, 1]]))

    def is_whole(self, second: float) -> bool:
        """Return whether the whole character is in the frame."""
        if self.card is None:
            return False
        seen = cv2.perspectiveTransform(self.card.hull[None], self.place(second))[0]
        return bool((seen > 0).all() and (seen < (WIDTH, HEIGHT)).all())

    def picture(self, second: float, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the (360, 640, 3) uint8 BGR frame at a time within the scene."""
        frame = self.backdrop.copy()
        if self.card is not None:
            place = self.place(second)
            seen, inside = (
                cv2.warpPerspective(pixels, place, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
                for pixels in (self.card.pixels, np.ones((CARD_SIDE, CARD_SIDE, 1), np.float32))
            )
            frame = frame * (1 - inside.reshape(HEIGHT, WIDTH, 1)) + seen
        noisy = cv2.GaussianBlur(frame, (0, 0), self.blur) + rng.normal(0, self.noise, frame.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)


def make_card_scene(rng: np.random.Generator, kind: int, font: str, character: str) -> CardScene:
    """Compose a scene: background of the given kind, and a card with the character, if there is one."""

    def swing(centre: float, amplitude: float) -> Swing:
        return Swing(centre, amplitude, rng.uniform(1.5, 4), rng.uniform(0, 2 * np.pi))

    def sway(limit: float) -> Swing:
        centre = rng.uniform(-limit, limit) * 0.6
        return swing(centre, rng.uniform(0, limit - abs(centre)))

    backdrop = np.clip(BACKDROPS[kind % len(BACKDROPS)](rng, WIDTH, HEIGHT), 0, 255)
    card = print_card(rng, font, character, dark=bool(rng.random() < 0.25)) if character else None
    room = (MAX_SIZE - MIN_SIZE) / 2
    return CardScene(
        backdrop=np.asarray(backdrop, np.float32),
        card=card,
        size=swing(MIN_SIZE + room, room),
        tilt=sway(MAX_TILT_DEGREES),
        turn=(sway(MAX_TURN_DEGREES), sway(MAX_TURN_DEGREES)),
        x=swing(WIDTH / 2, rng.uniform(4, 20)),
        y=swing(HEIGHT / 2, rng.uniform(0, 6)),
        blur=rng.uniform(0.5, 1.0),
        noise=rng.uniform(0.5, 2),
    )
