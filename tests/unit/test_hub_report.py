"""What was not pinned is named at the head of the report."""

from dataclasses import replace

import pytest

from src.reporting.brief import warnings
from src.reporting.inputs import read_inputs
from src.reporting.run import what_was_run
from tests.unit.reporting_run import make_run


@pytest.fixture
def inputs(tmp_path):
    params = make_run(tmp_path, synthetic=False)
    return read_inputs(params, tmp_path)


def test_a_run_on_files_and_pinned_sets_has_no_such_warning(inputs):
    cards = {key: card | {"pinned": True} for key, card in inputs.cards.items()}
    assert warnings(inputs) == warnings(replace(inputs, cards=cards)) == []


def test_sets_published_models_and_the_base_are_named(inputs):
    inputs.cards["nli"]["pinned"] = False
    pinned = {"theirs": False, "other": True}
    inputs.main["settings"]["published"] = {name: {"source": name, "pinned": flag} for name, flag in pinned.items()}
    base = {"source": "owner/base", "revision": "c0ffee", "pinned": False}
    (line,) = warnings(replace(inputs, base_origin=base))
    name = inputs.cards["nli"]["name"]
    assert line.startswith(f"> **Unpinned.** {name}, theirs, the base model owner/base (c0ffee): taken from the Hub")
    assert "src.hub pin" in line


def test_invented_text_that_no_stage_reads_is_no_warning(inputs):
    inputs.cards["text"]["synthetic"] = True
    assert "Numbers on text_tr_synthetic come" in warnings(inputs)[0]
    base = inputs.params.base_model.model_copy(update={"source": "owner/base"})
    assert warnings(replace(inputs, params=inputs.params.model_copy(update={"base_model": base}))) == []


def test_published_models_are_named_with_their_commit(inputs):
    inputs.main["settings"]["published"] = {"theirs": {"source": "owner/name", "revision": "0123456789abcdef"}}
    words = [part for part in what_was_run(inputs).parts if isinstance(part, str)]
    assert any("published models: theirs (`owner/name` at `01234567`)" in part for part in words)
