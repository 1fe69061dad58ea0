"""The report stage from the mini run's results: pages, figures and warnings."""

import re
import socket
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from src.data.card import COPY, DEV_COPY, WHOLE
from src.errors import UserError
from src.reporting import checks, document, html, section, style
from src.reporting.brief import warnings
from src.reporting.cards import write_cards
from src.reporting.inputs import read_inputs
from src.reporting.model_card import model_card
from src.reporting.run import leaks, versions, what_was_run
from src.stages import report
from tests.unit.reporting_run import SET, inputs_of, make_run


def tokenizer(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    built = Tokenizer(models.WordLevel({"[UNK]": 0, "Su": 1}, unk_token="[UNK]"))
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=built, unk_token="[UNK]").save_pretrained(folder)


def run(root, monkeypatch, params):
    monkeypatch.chdir(root)
    report.run(params)
    written = [path for path in (root / "reports").rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in written}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    tokenizer(root / "models" / "base")
    params = make_run(root)
    with pytest.MonkeyPatch.context() as patch:
        first = run(root, patch, params)
        second = run(root, patch, params)
    assert first == second, "two runs differ: " + ", ".join(name for name in first if first[name] != second.get(name))
    return first


def text(written, name):
    return written[f"reports/{name}"].decode("utf-8")


@pytest.mark.parametrize("name", ["models", "dimensions"])
def test_every_score_of_a_plot_stands_beside_its_set_and_protocol(written, name):
    header, *rows = (line.split(",") for line in text(written, f"tables/{name}.csv").splitlines())
    assert {"set", "protocol"} <= set(header)
    assert rows and all("protocol full" in ",".join(row) and SET in row for row in rows)


def test_what_others_read_is_written(written):
    names = ("metrics.json", "summary.json", "checks.json", "report.html", f"data/{SET}.md", "model_card/README.md")
    assert {f"reports/{name}" for name in (*names, "tables/models.csv", "tables/forgetting.csv")} <= set(written)


def test_no_file_names_a_host_or_a_day(written):
    for name, content in written.items():
        page = content.decode("utf-8")
        assert socket.gethostname() not in page, name
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b", page), name


def test_the_papers_tables_and_every_ablation_are_one_click_away(written):
    contents = text(written, "REPORT.md").split("## Contents")[1].split("\n## ")[0]
    for words in ("Table I:", "Table III:", "batch size", "which steps", "anti-forgetting", "Checks", "Gains and"):
        assert words in contents
    anchors = re.findall(r"\(#([^)]+)\)", contents)
    headings = {section.slug(heading) for heading in re.findall(r"(?m)^##+ (.*)$", text(written, "REPORT.md"))}
    assert set(anchors) <= headings


def test_every_link_and_figure_of_the_report_exists(written):
    for target in re.findall(r"\]\(([^)#][^)]*)\)", text(written, "REPORT.md")):
        assert target.startswith("https://") or f"reports/{target}" in written, target


def test_every_caption_says_synthetic(written):
    captions = re.findall(rf"(?m)^\*.*{SET}.*\*$", text(written, "REPORT.md"))
    assert captions
    assert all(f"{SET} (synthetic)" in caption for caption in captions)
    assert "**Synthetic data.**" in text(written, "REPORT.md")


def test_real_data_is_not_called_synthetic(tmp_path):
    page = document.report(inputs_of(tmp_path, ["xquad_tr"], synthetic=False)).markdown()
    assert "(synthetic)" not in page and "**Synthetic data.**" not in page


def test_the_report_says_what_was_removed_as_a_leak_from_the_cards(tmp_path):
    inputs = inputs_of(tmp_path)
    inputs.cards["nli"]["splits"]["train"]["dropped"] = {WHOLE: 2, COPY: 1_300}
    inputs.cards["retrieval"]["splits"]["train"]["dropped"] = {WHOLE: 1, DEV_COPY: 4}
    page = leaks(inputs)
    assert f"3 rows of which a text {WHOLE}" in page
    assert f"1,300 with a {COPY} ({inputs.params.prepare.overlap:.0%}" in page and f"4 with a {DEV_COPY}" in page


def ablations_section(root, params):
    inputs = read_inputs(params, root)
    page = document.report(inputs).markdown()
    return page.split("\n## Ablations\n")[1].split("\n## ")[0].strip()


def test_without_ablations_the_report_says_how_to_make_them(tmp_path):
    params = make_run(tmp_path)
    (tmp_path / "reports/ablation/comparison.json").unlink()
    assert ablations_section(tmp_path, params).startswith("No variants have been trained. `make ablations`")


def test_steps_of_no_epochs_have_no_updates_no_curve_and_nothing_to_check(tmp_path):
    params = make_run(tmp_path)
    untrained = {name: getattr(params, name).model_copy(update={"epochs": 0}) for name in ("nli", "sts")}
    for name in untrained:
        curve = tmp_path / f"reports/training/{name}.csv"
        curve.write_text(curve.read_text().splitlines(keepends=True)[0])
    inputs = read_inputs(params.model_copy(update=untrained), tmp_path)
    report = document.report(inputs)
    table = next(table for table in report.tables() if table.name == "recipe")
    assert [row[table.header.index("optimizer steps")] for row in table.rows[:2]] == [0, 0]
    next(figure for figure in report.figures() if figure.name == "training").draw(tmp_path / "training.svg")
    drawn = (tmp_path / "training.svg").read_text()
    assert "3. retrieval" in drawn and "1. NLI" not in drawn and "2. STS" not in drawn
    assert "was trained in one step: retrieval." in model_card(inputs)
    (check,) = [check for check in checks.all_checks(inputs) if check.id == "retrieval_only"]
    assert check.verdict == "not measured" and "retrieval training alone" in check.reason


def test_ablations_of_another_run_are_left_out_and_the_report_says_what_differs(tmp_path):
    params = make_run(tmp_path)
    assert "### Batch size" in (own := ablations_section(tmp_path, params))
    assert "Left out: batch_2048, since its retrieval batch of 2048 is larger than the 1024 rows." in own
    (tmp_path / "models/sts/model.safetensors").write_text("trained anew")
    other = params.model_copy(update={"train": params.train.model_copy(update={"learning_rate": 0.5})})
    reason = "The variants in reports/ablation/ are left out: they were made with other params, models/sts."
    assert ablations_section(tmp_path, other).startswith(reason)


def test_the_html_is_one_file_without_network_or_markup_from_data(written):
    page = text(written, "report.html")
    assert not re.findall(r'src="(?!data:)', page)
    assert not re.findall(r'(?:href|src)="(?!#|data:|https://)', page)
    assert "<script" not in page
    assert "Belge &lt;script&gt;1&lt;/script&gt; | İstanbul" in page
    assert page.count("<img") == len(re.findall(r"(?m)^!\[", text(written, "REPORT.md")))
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


def test_tables_keep_their_columns_whatever_the_cards_say(written):
    """A bar in a source's name once split a row."""
    table = text(written, "REPORT.md").split("## What was run")[1].split("Data cards")[0]
    rendered = MarkdownIt("commonmark").enable("table").render(table)
    assert len({row.count("<td") for row in rendered.split("<tr>")[2:]}) == 1
    assert "a test | with a bar" in rendered


def test_examples_name_gains_and_losses(written):
    page = text(written, "REPORT.md")
    gained, lost = page.split("**Gained most**")[1].split("**Lost most**")
    lost = lost.split("## ")[0]
    assert "Soru q00?" in gained and "0.00 → 1.00" in gained and "a relevant one" in gained
    assert "Soru q01?" in lost and "1.00 → 0.63" in lost
    assert "q02" not in gained + lost
    assert re.search(r"Of 12 queries 1 gain nDCG@10, 1 lose, 10 stay \(p [<=] [\d.e-]+ after Holm\)", page)


def test_two_sets_of_one_name_are_refused(tmp_path):
    inputs = inputs_of(tmp_path, ["msmarco_tr_synthetic"])
    tokenizer(tmp_path / "models/base")
    with pytest.raises(UserError, match="two data sets are called 'msmarco_tr_synthetic'"):
        write_cards(inputs, tmp_path / "reports/data")
    assert not (tmp_path / "reports/data").exists()


def test_the_page_holds_the_data_cards_that_the_report_links_to_and_misses_no_figure(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "set_tr.md").write_text("# set_tr\n\n- Licence: CC0-1.0\n", encoding="utf-8")
    page = html.page("# R\n\nCards: [set_tr](data/set_tr.md).\n", tmp_path)
    assert '<a href="#set_tr">set_tr</a>' in page and '<h3 id="set_tr">set_tr</h3>' in page
    assert "Licence: CC0-1.0" in page
    with pytest.raises(UserError, match=r"nothing\.svg: no such figure"):
        html.page("# R\n\n![a](figures/nothing.svg)\n", tmp_path)


def test_a_figure_is_legible_on_any_ground_names_its_data_and_carries_no_date_or_version(written):
    figures = {name: page.decode() for name, page in written.items() if name.endswith(style.SUFFIX)}
    kinds = ["dimensions", "training", "forgetting", "pareto", "ablation-batch", "ablation-order", f"models-{SET}"]
    kinds += [f"memory-{SET}", f"latency-{SET}", f"forgetting_errors-{SET}", "ablation-settings", "ablation-sources"]
    assert {f"reports/figures/{kind}.svg" for kind in [*kinds, "ablation-anti_forgetting"]} <= set(figures)
    for name, text in figures.items():
        root = ElementTree.fromstring(text)
        width, height = root.get("viewBox").split()[2:]
        ground = next(root.iter("{http://www.w3.org/2000/svg}path"))
        corners = f"M 0 {height} L {width} {height} L {width} 0 L 0 0 z"
        assert (" ".join(ground.get("d").split()), ground.get("style")) == (corners, "fill: #ffffff"), name
        assert "synthetic" in text and "n = " in text, name
        assert "<dc:date>" not in text and "<dc:creator>" not in text, name


def test_what_was_not_pinned_is_named(tmp_path):
    inputs = inputs_of(tmp_path, synthetic=False)
    cards = {key: card | {"pinned": True} for key, card in inputs.cards.items()}
    assert warnings(inputs) == warnings(replace(inputs, cards=cards)) == []
    inputs.cards["nli"]["pinned"] = False
    published = {"theirs": {"source": "owner/name", "revision": "0123456789abcdef", "pinned": False}}
    inputs.main["settings"]["published"] = published | {"other": {"source": "other", "pinned": True}}
    base = {"source": "owner/base", "revision": "c0ffee", "pinned": False}
    (line,) = warnings(replace(inputs, base_origin=base))
    names = f"{inputs.cards['nli']['name']}, theirs, the base model owner/base (c0ffee)"
    assert line.startswith(f"> **Unpinned.** {names}: taken from the Hub") and "src.hub pin" in line
    words = [part for part in what_was_run(inputs).parts if isinstance(part, str)]
    assert any("published models: theirs (`owner/name` at `01234567`)" in part for part in words)


def test_a_step_that_was_left_out_is_named(tmp_path):
    inputs = inputs_of(tmp_path, synthetic=False)
    none = inputs.params.nli.model_copy(update={"epochs": 0})
    (line,) = warnings(replace(inputs, params=inputs.params.model_copy(update={"nli": none})))
    assert line.startswith("> **Steps left out.** NLI (nli.epochs: 0): a row that ends in a step left out is the model")


def test_invented_text_that_no_stage_reads_is_no_warning(tmp_path):
    inputs = inputs_of(tmp_path, synthetic=False)
    inputs.cards["text"]["synthetic"] = True
    assert "Numbers on text_tr_synthetic come" in warnings(inputs)[0]
    base = inputs.params.base_model.model_copy(update={"source": "owner/base"})
    assert warnings(replace(inputs, params=inputs.params.model_copy(update={"base_model": base}))) == []


def test_pinned_versions_are_read_without_comments_and_markers():
    assert versions("# a\nbm25s==0.3 ; python_version < '4'\ntorch==2.13.0  # x\ndvc>=2\n") == "torch 2.13.0, bm25s 0.3"
