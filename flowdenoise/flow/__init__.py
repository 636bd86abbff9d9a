"""Normalizing flows: invertible networks with a tractable density.

`base` states the contract, `layers` and `coupling` fill it, `conditioning` lets a flow know the
noise level, `glow` puts them together, `tweedie` turns the density into a denoiser and into an
estimator of the noise level.
"""
