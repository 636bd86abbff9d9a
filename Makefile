# make demo   install into .venv and denoise a shipped picture
# make test   the whole check: format, lint, types, tests, the built wheel
# Both can be repeated; the environment is only rebuilt when its definition changes.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow format clean

demo: .venv/installed
	$(BIN)/flowdenoise denoise examples/coffee-noisy.png --output demo/ --compare --overwrite
	@echo "The result:       demo/coffee-noisy.png"
	@echo "Before and after: demo/coffee-noisy_compare.png"

test: .venv/tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto --maxprocesses 8 --dist worksteal

test-slow: .venv/tools
	$(BIN)/python -m pytest -m slow

# What needs a large package of its own: Ray.
test-ray: .venv/tools
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[ray]"
	$(BIN)/python -m pytest -m slow tests/batch/test_cluster.py
.PHONY: test-ray

# What needs programs of others: spandrel, deepinv and their torchvision.
test-hosts: .venv/tools
	$(BIN)/python -m pip install --quiet --editable ".[test-hosts]"
	$(BIN)/python -m pytest tests/hosts
.PHONY: test-hosts

format: .venv/tools
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/tools: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@

clean:
	rm -rf .venv demo dist

# docs/results.md and its charts again: make results DATA=folder. It takes hours, goes on where it stopped,
# and installs bm3d, whose license allows non-commercial use only.
results: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[benchmark,bm3d]"
	$(BIN)/python examples/results/make_results.py --data $(DATA)
.PHONY: results

# Train all shipped weights again: make weights DATA="folder folder" VALIDATION=folder
weights: .venv/installed
	$(BIN)/python examples/shipped_weights/train.py --data $(DATA) --validation $(VALIDATION)
.PHONY: weights
