"""A reading folds what does not matter and never loses the way back."""

import pytest

from services.routing.classifier.reading import LONGEST, read


@pytest.mark.parametrize(
    ("given", "folded"),
    [
        ("服務(wù)、溝通chēng", "服务、沟通"),
        ("ＡＢＣ　abc", "abc abc"),
        ("退款！！！！，，。", "退款!"),
        ("⟦name:1⟧ 你好 ⟦phone:12⟧", "你好"),
        ("it’s “fine”", 'it\'s"fine"'),
        ("開  發票", "开发票"),
        ("", ""),
    ],
)
def test_folding(given: str, folded: str) -> None:
    assert read(given).text.replace(' "', '"') == folded


def test_every_folded_character_knows_its_origin() -> None:
    reading = read("請問⟦name:1⟧：ＡＰＰ為什麼打不開（wù）？½ ﷽")

    spans = [reading.span(index, index + 1) for index in range(len(reading.text))]
    assert all(end - start == 1 for start, end in spans)
    assert spans == sorted(spans)
    assert reading.given[slice(*reading.span(0, 2))] == "請問"


def test_long_texts_are_cut() -> None:
    assert len(read("长" * (LONGEST + 10)).given) == LONGEST
