# Everything runs in .venv, which tools/bootstrap.py makes and keeps in step with the lock files.
# Needed beforehand: make, and Python >= 3.11 with pip. `make PYTHON=python3.12 test` chooses another Python.
PYTHON ?= python3
PY := .venv/bin/python
PACKAGES := tallystick serving ledger anchors credentials api demo fixtures benchmarks
# Give a file or folder of your own to the demo: make demo ASSET=path
ASSET ?=
# make bench ARGS=--large, or ARGS="--only library,growth"
ARGS ?=

.PHONY: help demo serve test test-all lint format wheel kit release lock clean bench runtime dev outsiders verifier-js

help:
	@echo "make demo [ASSET=path]   the whole main job on a real asset, verified offline at the end"
	@echo "make serve               the service on http://127.0.0.1:8000 (TALLYSTICK_PORT, TALLYSTICK_DATA)"
	@echo "make test                lint, types, import contracts and every test but the exhaustive sweeps"
	@echo "make test-all            the exhaustive sweeps too"
	@echo "make bench [ARGS=--large] one table of figures beside other logs, with plots in bench-out/"
	@echo "make lint | format       ruff, mypy and import contracts alone | reformat"
	@echo "make wheel               dist/tallystick-*.whl: the verifier, without the server"
	@echo "make kit                 dist/tallystick-kit-*.zip: the verifier for machines without a network, with all it needs"
	@echo "make release             dist/: wheel, source, second verifier, kit, and SHA256SUMS: the same bytes each time"
	@echo "make verifier-js         verifier-js/dist/verifier.html: the second verifier, one page that works from disk"
	@echo "make lock                resolve requirements*.in again into the lock files"
	@echo "make clean               remove .venv and what was built; demo-out/ and data/ stay"

demo: runtime
	@$(PY) -m demo $(if $(ASSET),"$(ASSET)")

serve: runtime
	@exec $(PY) -m api serve

test: lint outsiders
	@$(PY) -m pytest -n 2 -m "not exhaustive"

test-all: lint outsiders
	@$(PY) -m pytest -n 2

# Other people's readers of our log and other logs, Node included where the machine has none: into .venv.
outsiders: dev
	@$(PY) tools/outsiders.py strangers chains peers verifier browser
	@$(PY) tools/kit.py

bench: outsiders
	@$(PY) -m benchmarks $(ARGS)

lint: dev
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet . || { echo "run 'make format'"; exit 1; }
	@$(PY) -m mypy --no-error-summary $(wildcard $(PACKAGES))
	@.venv/bin/lint-imports --no-cache > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

format: dev
	@$(PY) -m ruff check --quiet --fix .
	@$(PY) -m ruff format --quiet .

wheel: dev
	@$(PY) tools/wheel.py dist

kit: dev
	@$(PY) tools/kit.py dist

release: dev
	@$(PY) tools/release.py dist

verifier-js: dev
	@$(PY) tools/outsiders.py verifier
	@sha256sum verifier-js/dist/verifier.html

lock: dev
	@$(PY) tools/lock.py

clean:
	@rm -rf .venv build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime dev:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "tallystick needs Python 3.11 or later, and '$(PYTHON)' is not on the PATH: install it, or name it with PYTHON=..."; exit 1; }
	@$(PYTHON) tools/bootstrap.py $@
