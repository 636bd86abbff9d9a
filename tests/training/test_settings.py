"""Settings by name: typed, checked, and helpful about typing errors."""

from dataclasses import asdict

import pytest

from flowdenoise.errors import UsageError
from flowdenoise.optimization.settings import override, plain
from flowdenoise.training.recipes import PRESETS, preset
from flowdenoise.training.run_config import DenoiserRun


def test_every_kind_of_setting_can_be_replaced() -> None:
    run = override(
        DenoiserRun(),
        [
            "loop.steps=7",
            "loop.learning_rate=1e-4",
            "loop.compile=true",
            "network.channels=8, 16",
            "network.blocks=1,2",
            "training.objective.data_term=sure",
            "training.noise.mode=fresh",
            "training.objective.alpha=0.1,0.9",
        ],
    )
    assert run.loop.steps == 7
    assert run.loop.learning_rate == 1e-4
    assert run.loop.compile
    assert run.network.channels == (8, 16)
    assert run.training.objective.data_term == "sure"
    assert run.training.objective.alpha == (0.1, 0.9)
    assert run.training.noise.mode == "fresh"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loop.stps=7", "did you mean steps"),
        ("lop.steps=7", "did you mean loop"),
        ("loop=7", "there are steps"),
        ("batch=7", "no setting 'batch': did you mean loop.batch?"),
        ("loop.patch=7", "did you mean training.patch?"),
        ("loop.steps.more=7", "no setting"),
        ("loop.steps", "name=value"),
        ("loop.steps=many", "must be a whole number"),
        ("loop.compile=1", "true or false"),
        ("training.noise.mode=none of them", "fixed, fresh, none"),
        ("training.objective.alpha=0.1", "must have 2 elements"),
        ("training.objective.data_term=foo", "there are blur, mse, n2v, r2r, sure, teacher"),
        (
            "loop.precision=bf16",
            "loop.precision must be one of auto, float32, bfloat16, not 'bf16'",
        ),
        ("loop.steps=-1", "loop.steps must be from 1 to 1000000000, not '-1'"),
        ("loop.batch=0", "loop.batch must be from 1 to 65536, not '0'"),
        ("loop.ema=7", "loop.ema must be from 0 to below 1, not '7.0'"),
        ("loop.learning_rate=nan", "loop.learning_rate must be a finite number"),
        ("loop.betas=3,4", "loop.betas must be from 0 to below 1, not '3.0'"),
        ("training.patch=0", "training.patch must be from 8 to 2048, not '0'"),
        ("training.patch=33", "multiple of the network's stride, 2"),
        ("network.blocks=1000000000", "network.blocks must be from 1 to 65536"),
        ("training.noise.sigma_range=0.9,0.1", "must ascend, which 0.9 and 0.1 do not"),
        ("training.noise.sigma_range=0,55", "did you mean 55/255"),
        ("training.objective.blur=4", "must be odd"),
    ],
)
def test_what_is_no_setting_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        override(DenoiserRun(), [text])


def test_settings_json_shows_the_names_that_can_be_set() -> None:
    run = DenoiserRun()
    for name, value in plain(asdict(run)).items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        text = text.lower() if isinstance(value, bool) else text
        assert override(run, [f"{name}={text}"]) == run


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_presets_are_complete_runs(name: str, channels: int) -> None:
    if (name, channels) == ("photo", 1):
        with pytest.raises(UsageError, match="in color only"):
            preset(name, channels)
        return
    run = preset(name, channels)
    assert run.network.image_channels == run.data.channels == channels


def test_the_papers_presets_have_the_papers_values() -> None:
    text, code = preset("paper-text", 3), preset("paper-code", 3)
    assert isinstance(text, DenoiserRun)
    assert isinstance(code, DenoiserRun)
    assert text.training.objective.data_term == "blur"
    assert text.training.objective.blur == 3
    assert text.loop.learning_rate == 1e-3
    assert code.training.objective.data_term == "mse"
    assert code.training.noise.eight_bit
    assert code.loop.learning_rate == 1e-4
    for run in (text, code):
        assert run.training.objective.prior_weight == "fixed"
        assert run.training.objective.prior_scale == 1.5e-6
        assert run.training.patch == 32
        assert run.training.noise.mode == "fixed"
        assert not run.network.noise_map


def test_an_unknown_preset_says_which_exist() -> None:
    with pytest.raises(UsageError, match="default, paper-text, paper-code, n2v, dncnn"):
        preset("best", 3)
