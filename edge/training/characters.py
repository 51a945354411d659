"""Which characters the classifier is to name, which count as other, and which it never sees in training."""

from __future__ import annotations

VOWELS = "あいうえお"
LABELS = (*VOWELS, "other")
HIRAGANA = (
    "かきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
    "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽゐゑ"
)
KATAKANA = "アイウエオカキクケコサシスセソタチツテトナニノハヒフヘマミムメヤユラリルレロワヲン"
KANJI = "日月木火水金土人口山川田大小上下左右中元友犬玉石糸虫車町学校本年先生文字東京書安宇衣"
LATIN = "ABCDEFGHIJKLMNOPSTUVWabcdefhijlmnoprstuvwxyz12345679?!+=/"
OTHERS = HIRAGANA + KATAKANA + KANJI + LATIN
STRANGERS = "ヌネホモヨ夢語飛機猫駅薬窓鬼寸参於以江QRXYZgkq08&%#@"
