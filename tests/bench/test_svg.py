"""The drawn chart."""

from xml.etree import ElementTree

from bench.svg import svg

SPACE = "{http://www.w3.org/2000/svg}"


def test_each_stand_is_a_bar_whose_length_is_its_cost():
    drawing = ElementTree.fromstring(
        svg({"nginx rtmp": {"cpu_per_gbit": 0.2}, "oxbow http-flv": {"cpu_per_gbit": 0.05}})
    )

    lengths = [int(bar.attrib["width"]) for bar in drawing.iter(f"{SPACE}rect")][1:]
    texts = [text.text for text in drawing.iter(f"{SPACE}text")]

    assert lengths[0] * 4 == lengths[1]
    assert {"nginx rtmp", "oxbow http-flv", "0.200", "0.050"} <= set(texts)


def test_names_are_escaped():
    assert "a&lt;b" in svg({"a<b": {"cpu_per_gbit": 1.0}})
