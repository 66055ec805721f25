"""Settings from the environment and a file, and the errors for wrong ones."""

import base64
from pathlib import Path

import pytest

from calltally.settings.checks import decode_secret_key
from calltally.settings.fields import Settings
from calltally.settings.reading import BadSetting, read_settings

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CALLTALLY_{name.upper()}", raising=False)
    for name in ("CALLTALLY_CONFIG", "DATABASE_URL", "PORT"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_match_the_contract(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    assert settings.database_url == "sqlite:///var/calltally.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.rate_limit_per_minute == 1000
    assert settings.trust_proxy is False
    assert (settings.snapshot_hours, settings.worker_interval_seconds) == (48, 60)
    assert settings.embedded_worker is True
    assert (settings.admin_key, settings.secret_key, settings.public_url) == (None, None, None)


def test_read_replica_needs_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", "postgresql://h/n")
    monkeypatch.setenv("CALLTALLY_READ_URL", "postgresql://replica/n")
    assert read_settings(tmp_path).read_url == "postgresql://replica/n"


def test_networks_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_OUTGOING_ALLOW_NETWORKS", "10.0.0.0/8, fd00::/8")
    assert read_settings(tmp_path).outgoing_allow_networks == "10.0.0.0/8, fd00::/8"
    monkeypatch.setenv("CALLTALLY_OUTGOING_ALLOW_NETWORKS", "10.0.0.1/8")
    with pytest.raises(BadSetting, match="networks in CIDR"):
        read_settings(tmp_path)


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert len(field.description or "") > 20, name


def test_environment_overrides_file_and_file_overrides_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calltally.toml").write_text('port = 1\nhost = "::1"\npublic_url = "https://x.example/"\n')
    monkeypatch.setenv("CALLTALLY_PORT", "9090")
    settings = read_settings(tmp_path)
    assert (settings.port, settings.host, settings.log_level) == (9090, "::1", "info")
    assert settings.public_url == "https://x.example"


def test_empty_variable_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "calltally.toml").write_text("port = 1\n")
    monkeypatch.setenv("CALLTALLY_PORT", "")
    monkeypatch.setenv("CALLTALLY_ADMIN_KEY", "")
    settings = read_settings(tmp_path)
    assert (settings.port, settings.admin_key) == (1, None)


def test_variables_of_hosting_platforms_count_where_nothing_else_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u@h/platform")
    monkeypatch.setenv("PORT", "5000")
    settings = read_settings(tmp_path)
    assert (settings.database_url, settings.port) == ("postgresql://u@h/platform", 5000)
    (tmp_path / "calltally.toml").write_text("port = 1\n")
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", "sqlite:///own.db")
    settings = read_settings(tmp_path)
    assert (settings.database_url, settings.port) == ("sqlite:///own.db", 1)


def test_error_names_the_variable_of_a_hosting_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "tcp://10.0.0.1:80")
    with pytest.raises(BadSetting, match=r"^PORT: Input should be a valid integer"):
        read_settings(tmp_path)


def test_settings_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text("rate_limit_per_minute = 0\n")
    monkeypatch.setenv("CALLTALLY_CONFIG", "other.toml")
    assert read_settings(tmp_path).rate_limit_per_minute == 0


WRONG = [
    ("PORT", "x", "CALLTALLY_PORT: Input should be a valid integer"),
    ("PORT", "65536", "CALLTALLY_PORT: Input should be less than or equal to 65535"),
    ("TRUST_PROXY", "perhaps", "CALLTALLY_TRUST_PROXY: Input should be a valid boolean"),
    ("RATE_LIMIT_PER_MINUTE", "-1", "CALLTALLY_RATE_LIMIT_PER_MINUTE: Input should be greater"),
    ("SNAPSHOT_HOURS", "0", "CALLTALLY_SNAPSHOT_HOURS: Input should be greater"),
    ("SNAPSHOT_HOURS", "8761", "CALLTALLY_SNAPSHOT_HOURS: Input should be less"),
    ("WORKER_INTERVAL_SECONDS", "0", "CALLTALLY_WORKER_INTERVAL_SECONDS: Input should be greater"),
    ("EMBEDDED_WORKER", "maybe", "CALLTALLY_EMBEDDED_WORKER: Input should be a valid boolean"),
    ("LOG_FORMAT", "xml", "CALLTALLY_LOG_FORMAT: Input should be 'json' or 'console'"),
    ("DATABASE_URL", "mysql://u:hush@h/n", "CALLTALLY_DATABASE_URL: write sqlite:///PATH or postgresql://"),
    ("DATABASE_URL", "postgresql://u:hu@hush@h/n", "CALLTALLY_DATABASE_URL: percent-encode the password"),
    ("DATABASE_URL", "postgres://u:hush/hush@h/n", "CALLTALLY_DATABASE_URL: percent-encode the password"),
    ("READ_URL", "postgresql://u:a/hush@h/n", "CALLTALLY_READ_URL: percent-encode the password"),
    ("DATABASE_URL", "sqlite:///", "CALLTALLY_DATABASE_URL: write sqlite"),
    ("TWILIO_API_URL", "http://hush.example.com", "CALLTALLY_TWILIO_API_URL: write https://HOST"),
    ("TWILIO_API_URL", "https://api.example.com/?hush", "CALLTALLY_TWILIO_API_URL: write https://HOST"),
    ("READ_URL", "sqlite:///hush", "CALLTALLY_READ_URL: write postgresql://"),
    ("READ_URL", "postgresql://", "CALLTALLY_READ_URL: write postgresql://"),
    ("READ_URL", "postgresql://u:hush@h/n", "CALLTALLY_READ_URL: only PostgreSQL has read replicas"),
    ("WORKERS", "0", "CALLTALLY_WORKERS: Input should be greater"),
    ("PUBLIC_URL", "example.com", "CALLTALLY_PUBLIC_URL: write https://HOST"),
    ("PUBLIC_URL", "https://x/?a=hush", "CALLTALLY_PUBLIC_URL: write https://HOST"),
    ("PUBLIC_URL", 'https://x/a"b', "CALLTALLY_PUBLIC_URL: write a path of letters"),
    ("ADMIN_KEY", "two hush", "CALLTALLY_ADMIN_KEY: use printable ASCII"),
    ("ADMIN_KEY", "hush" * 7 + "hus", "CALLTALLY_ADMIN_KEY: it has 31 characters and must have at least 32"),
    ("SECRET_KEY", "hush", "CALLTALLY_SECRET_KEY: it must be the base64 of exactly 32 bytes"),
    ("SECRET_KEY", KEY[:-4] + "hush" * 2, "CALLTALLY_SECRET_KEY: it must be the base64"),
    ("SECRET_KEY", "hüsh", "CALLTALLY_SECRET_KEY: it must be the base64"),
    ("FORMER_SECRET_KEY", "hush=", "CALLTALLY_FORMER_SECRET_KEY: it must be"),
    (
        "PROT",
        "8080",
        "unknown variable CALLTALLY_PROT; did you mean CALLTALLY_PORT? `calltally config show` lists",
    ),
    ("port", "8080", "unknown variable CALLTALLY_port; did you mean CALLTALLY_PORT?"),
    ("XYZ_ZYX", "8080", "unknown variable CALLTALLY_XYZ_ZYX; `calltally config show` lists all settings"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_error_names_wrong_variable_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"CALLTALLY_{name}", value)
    with pytest.raises(BadSetting) as refused:
        read_settings(tmp_path)
    assert str(refused.value).startswith(words)
    assert "hush" not in str(refused.value)


WRONG_FILES = [
    ("prot = 1", "calltally.toml: unknown key prot; did you mean port?"),
    ('port = "x"\nhost = ""', "calltally.toml: host: String should have at least 1 character; "),
    ("port = ", "calltally.toml is not TOML: "),
    ("[server]\nport = 1", "calltally.toml: unknown key server"),
]


@pytest.mark.parametrize(("text", "words"), WRONG_FILES)
def test_error_names_wrong_file(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "calltally.toml").write_text(text)
    with pytest.raises(BadSetting) as refused:
        read_settings(tmp_path)
    assert words in str(refused.value)


def test_named_file_that_is_missing_or_unreadable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLTALLY_CONFIG", "gone.toml")
    with pytest.raises(BadSetting, match=r"CALLTALLY_CONFIG names .*gone\.toml, which does not exist"):
        read_settings(tmp_path)
    monkeypatch.setenv("CALLTALLY_CONFIG", ".")
    with pytest.raises(BadSetting, match="cannot be read: Is a directory"):
        read_settings(tmp_path)


def test_secrets_are_hidden_in_repr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_SECRET_KEY", KEY)
    monkeypatch.setenv("CALLTALLY_ADMIN_KEY", "hush" * 8)
    settings = read_settings(tmp_path)
    assert KEY not in repr(settings)
    assert "hush" not in repr(settings)
    assert settings.secret_key
    assert decode_secret_key(settings.secret_key.get_secret_value()) == bytes(range(32))


@pytest.mark.parametrize("key", ["a", "choose-a-long-random-one", "choose-a-long-random-one-2026-10-01"])
def test_guessable_admin_key_is_refused_with_command_to_make_one(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLTALLY_ADMIN_KEY", key)
    with pytest.raises(BadSetting, match=r"token_urlsafe\(32\)"):
        read_settings(tmp_path)


def test_documentation_contains_no_admin_key_to_copy() -> None:
    root = Path(__file__).parents[3]
    text = [
        line
        for page in (root / "README.md", *(root / "docs").rglob("*.md"), *(root / "examples").rglob("*.md"))
        for line in page.read_text().splitlines()
        if "ADMIN_KEY=" in line and "ADMIN_KEY=$(" not in line
    ]
    assert text == []


def test_variables_of_client_commands_are_not_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLTALLY_BASE_URL", "https://calls.example.com")
    monkeypatch.setenv("CALLTALLY_API_KEY", "hush")
    assert "hush" not in repr(read_settings(tmp_path))
