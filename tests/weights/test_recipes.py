"""The recipes of the shipped weights: complete, in order, and of settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from recipes import RECIPES, Recipe

from flowdenoise.optimization.settings import override
from flowdenoise.training import recipes
from flowdenoise.weights.manifest import read_manifest

WEIGHTS = Path(__file__).parents[2] / "weights"


def option(recipe: Recipe, name: str) -> list[str]:
    """All values of an option."""
    words = recipe.command
    return [words[i + 1] for i, word in enumerate(words) if word == name]


def test_every_shipped_file_has_a_recipe() -> None:
    shipped = {entry.name for entry in read_manifest(WEIGHTS).entries}
    assert shipped <= {name for name, recipe in RECIPES.items() if recipe.shipped}


def test_what_a_recipe_begins_with_is_made_before_it() -> None:
    made: list[str] = []
    for name, recipe in RECIPES.items():
        wanted = re.findall(r"\{runs\}/([^/]+)/weights.safetensors", " ".join(recipe.command))
        assert set(wanted) <= set(made), name
        made.append(name)


@pytest.mark.parametrize("name", list(RECIPES))
def test_the_settings_of_a_recipe_exist(name: str) -> None:
    recipe = RECIPES[name]
    if recipe.command[0] == "train-prior":
        run = recipes.prior(recipe.channels, noise_levels="--noise" in recipe.command)
    elif recipe.command[0] == "train-noise-map":
        run = recipes.noise_map(recipe.channels)
    elif recipe.command[0] == "train-noise-level":
        run = recipes.noise_level(recipe.channels)
    else:
        run = recipes.preset((option(recipe, "--preset") or ["default"])[0], recipe.channels)
    teachers = [f"teacher={address}" for address in option(recipe, "--teacher")]
    chosen = override(run, [*teachers, *option(recipe, "--set")])
    assert chosen.network.image_channels == recipe.channels
