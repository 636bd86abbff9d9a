"""How each shipped file of weights was made: the command, and what its card says.

recipe             what a recipe is, and the data
noise_estimators   levels of white noise, maps of a camera's noise
white_noise        denoisers of white noise
photographs        denoisers of photographs
small_photographs  likewise, small ones
priors             flows
compared           what is shipped to compare with
"""

from __future__ import annotations

from recipes.compared import COMPARED
from recipes.noise_estimators import NOISE_ESTIMATORS
from recipes.photographs import PHOTOGRAPHS
from recipes.priors import PRIORS
from recipes.recipe import DATA, SPLIT, WIDER, Recipe
from recipes.small_photographs import SMALL_PHOTOGRAPHS
from recipes.white_noise import WHITE_NOISE

__all__ = ["DATA", "RECIPES", "SPLIT", "WIDER", "Recipe"]

RECIPES = {
    **NOISE_ESTIMATORS,
    **WHITE_NOISE,
    **PHOTOGRAPHS,
    **SMALL_PHOTOGRAPHS,
    **PRIORS,
    **COMPARED,
}
"""In an order in which each finds what it begins with."""
