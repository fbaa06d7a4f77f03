//! `cargo xtask authz-eval`: the engine's verdicts compared with those of another engine, line by line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use flate2::bufread::MultiGzDecoder;
use rbac::foreign::Question;

/// Reads a file of JSON lines, plain or compressed with gzip, and prints each verdict that differs.
///
/// # Errors
/// When the file cannot be read, or a line is none.
pub(crate) fn run(path: &Path) -> anyhow::Result<ExitCode> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("`{name}` cannot be opened"))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let differ = compare(BufReader::new(file), &mut out).with_context(|| format!("`{name}`"))?;
    out.flush()?;
    Ok(if differ == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How many lines differ.
fn compare(mut file: impl BufRead, out: &mut impl Write) -> anyhow::Result<u64> {
    let lines: Box<dyn Read + '_> = if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let (mut agree, mut differ) = (0_u64, 0_u64);
    for (number, line) in (1_u64..).zip(BufReader::new(lines).lines()) {
        let line = line.with_context(|| format!("line {number} cannot be read"))?;
        if line.trim().is_empty() {
            continue;
        }
        let question: Question =
            serde_json::from_str(&line).with_context(|| format!("line {number} is no decision"))?;
        let expected = question.expected().allow;
        if question.allows() == expected {
            agree += 1;
        } else {
            differ += 1;
            let word = if expected { "allow" } else { "deny" };
            writeln!(out, "{} {word} expected", question.n)?;
        }
    }
    writeln!(out, "{agree} agree, {differ} differ")?;
    Ok(differ)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::BufReader};

    use super::compare;
    use crate::paths::root;

    const LINE: &str = r#"{"n":7,"more":[1],"subject":{"id":"u","roles":[{"name":"r","site":[{"negate":false,
        "resource_type":"*","action":"fly"}],"user":[],"by_org_id":{}}],"groups":[],"scope":{"name":"full","site":
        [{"negate":false,"resource_type":"kite","action":"*"}],"user":[],"by_org_id":{},"allow_list":
        [{"type":"kite","id":""}]}},"object":{"id":"","owner":"","org_owner":"","any_org":false,"type":"kite",
        "acl_user_list":{},"acl_group_list":{}},"action":"fly","role":true,"acl":false,"scope":true,"allow":true}"#;

    fn outcome(text: &str) -> Result<String, String> {
        let mut out = Vec::new();
        match compare(text.as_bytes(), &mut out) {
            Ok(_) => Ok(String::from_utf8(out).unwrap()),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    #[test]
    fn lines_that_differ_are_named() {
        let line = LINE.replace('\n', " ");
        let wrong = line.replace("\"allow\":true", "\"allow\":false");
        let rows = [
            (String::new(), "0 agree, 0 differ\n"),
            (line.clone(), "1 agree, 0 differ\n"),
            (
                format!("{wrong}\n\n{line}\n{line}"),
                "7 deny expected\n2 agree, 1 differ\n",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(outcome(&text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_line_that_is_none_is_an_error_that_says_which() {
        let line = LINE.replace('\n', " ");
        let rows = [
            (
                format!("{line}\n{{"),
                "line 2 is no decision: EOF while parsing",
            ),
            (
                line.replace("\"any_org\":false,", ""),
                "line 1 is no decision: missing field `any_org`",
            ),
            (
                line.replace("\"roles\"", "\"rolls\""),
                "line 1 is no decision: missing field `roles`",
            ),
        ];
        for (text, message) in rows {
            let error = outcome(&text).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn the_sample_agrees() {
        let sample = root().join("crates/rbac/tests/data/authz-decisions-sample.jsonl.gz");
        let mut out = Vec::new();
        compare(BufReader::new(File::open(sample).unwrap()), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "2000 agree, 0 differ\n");
    }
}
