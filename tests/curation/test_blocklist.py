import pyarrow as pa
import pytest

from mathmill.core.errors import ConfigError
from mathmill.core.schemas import PAGE, PROBLEM, to_batch
from mathmill.core.stage import StageContext
from mathmill.curation.blocklist import Blocklist, BlocklistConfig, parse_address


def blocked(folder, urls, *domains, files=()):
    """Return {url: (reason, detail)} of the rows that are dropped; the others must come out unchanged."""
    stage = Blocklist(BlocklistConfig(domains=domains, files=files))
    rows = [
        {"doc_id": str(i), "url": url, "source": "web", "locator": {"file": "f", "record": i}, "html": b"x"}
        for i, url in enumerate(urls)
    ]
    batch = to_batch(rows, PAGE)
    assert stage.output_schemas(PAGE) == {"out": PAGE}
    stage.open(StageContext(folder))
    kept, dropped = [], {}
    for port, output in stage.process(iter([batch])):
        output.validate(full=True)
        if port == "out":
            kept += output["doc_id"].to_pylist()
        else:
            assert port == "dropped"
            dropped |= {urls[int(row["id"])]: (row["reason"], row["detail"]) for row in output.to_pylist()}
    assert sorted(kept) == sorted(str(i) for i, url in enumerate(urls) if url not in dropped)
    return dropped


def test_a_domain_blocks_its_subdomains_and_no_other(tmp_path):
    urls = [
        "http://casino.example/",
        "https://www.casino.example/poker?x=1",
        "http://mycasino.example/",
        "http://casino.example.org/",
        "http://casino/",
        "http://other.example/casino.example",
        None,
        "",
    ]
    assert blocked(tmp_path, urls, "casino.example") == {
        urls[0]: ("blocked_domain", "casino.example"),
        urls[1]: ("blocked_domain", "casino.example"),
    }


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://CASINO.Example/",
        "http://casino.example.:8080/",
        "http://user:pass@casino.example/",
        "http://math.example@casino.example/",
        "http:\\\\casino.example\\x",
        "http://%63asino.example/",
        "//casino.example/x",
        "casino.example/x",
        "casino.example:8080/x",
        " http://casino.example#top ",
        "http://casino.example?q",
    ],
)
def test_a_host_is_read_as_browsers_read_it(tmp_path, url):
    assert blocked(tmp_path, [url, "http://math.example/"], "casino.example") == {
        url: ("blocked_domain", "casino.example")
    }


@pytest.mark.parametrize(
    "url", ["http://math.example/casino.example", "http://math.example/?@casino.example", "mailto:", "http://", "::"]
)
def test_a_domain_elsewhere_in_the_url_does_not_count(tmp_path, url):
    assert blocked(tmp_path, [url], "casino.example") == {}


def test_the_beginning_of_an_address_blocks_what_follows_on_that_host_alone(tmp_path):
    urls = [
        "http://a.example/forum/1",
        "https://a.example/forum/",
        "http://a.example/forums",
        "http://a.example/faq",
        "http://www.a.example/forum/1",
        "http://b.example/x",
        "http://www.b.example/",
    ]
    assert blocked(tmp_path, urls, "a.example/forum/", "https://b.example/") == {
        urls[0]: ("blocked_url", "a.example/forum/"),
        urls[1]: ("blocked_url", "a.example/forum/"),
        urls[5]: ("blocked_url", "b.example/"),
    }


def test_rules_come_from_files_too(tmp_path):
    file = tmp_path / "list.txt"
    file.write_bytes(b"\xef\xbb\xbfcasino.example\r\n# a comment\n\n*.ads.example  # another\nb.example/x\n")
    urls = ["http://casino.example/", "http://x.ads.example/", "http://b.example/xy", "http://b.example/"]
    assert list(blocked(tmp_path, urls, files=(str(file),))) == urls[:3]
    assert BlocklistConfig(files=(str(file),)).file_paths() == [str(file)]


def test_names_in_other_scripts_are_compared_in_their_ascii_form(tmp_path):
    urls = ["http://\u8d4c\u573a.example/", "http://xn--mes317j.example/x"]
    assert len(blocked(tmp_path, urls, "\u8d4c\u573a.example")) == 2


@pytest.mark.parametrize("rule", ["", "/", "two words.example", "http://", "."])
def test_a_rule_that_is_none_is_named_with_its_line(tmp_path, rule):
    with pytest.raises(ConfigError, match=r"blocklist\.domains\[0\]: .* is neither a domain nor"):
        blocked(tmp_path, [], rule)
    if rule:
        file = tmp_path / "list.txt"
        file.write_text(f"fine.example\n{rule}\n")
        with pytest.raises(ConfigError, match=r"list\.txt:2: "):
            blocked(tmp_path, [], files=(str(file),))


def test_without_rules_everything_passes(tmp_path):
    assert blocked(tmp_path, ["http://a.example/"]) == {}


def test_rows_without_the_column_are_refused_before_anything_runs():
    assert Blocklist(BlocklistConfig()).output_schemas(PROBLEM) == {"out": PROBLEM}
    with pytest.raises(ConfigError, match="blocklist needs the column url; there are id"):
        Blocklist(BlocklistConfig()).output_schemas(pa.schema([("id", pa.string())]))


def test_any_string_is_taken_apart():
    assert parse_address("http://[2001:db8::1]:80/a?b#c") == ("[2001:db8::1]", "/a?b", True)
    assert parse_address("a.example?q") == ("a.example", "/?q", False)
    assert parse_address("\n") == ("", "/", False)
    assert parse_address("http://" + "\u0130." * 100 + "example/").path == "/"
