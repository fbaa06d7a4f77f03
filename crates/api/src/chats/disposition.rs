//! The names of files in the header `Content-Disposition`, both ways (RFC 6266 and 8187).

use std::fmt::Write as _;

/// The longest name of a file, in characters.
const NAME_MAX_CHARS: usize = 255;

/// Types that a browser may show by itself: none of them runs anything.
const SHOWN: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "text/plain",
];

/// The name that a header gives a file, without any folders before it; `None` when it gives none that is one.
pub(super) fn file_name(header: &str) -> Option<String> {
    let parameters = parameters(header);
    let value = |name: &str| {
        let found = parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let name = match value("filename*").and_then(extended) {
        Some(name) => name,
        None => value("filename")?.to_owned(),
    };
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let good = !name.is_empty()
        && !matches!(name, "." | "..")
        && name.chars().count() <= NAME_MAX_CHARS
        && !name.chars().any(char::is_control);
    good.then(|| name.to_owned())
}

/// What follows the first word: `key=value`, separated by semicolons that no quotes are around.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for char in header.chars() {
        match char {
            ';' if !quoted => parts.push(String::new()),
            '\\' if quoted && !escaped => escaped = true,
            '"' if !escaped => quoted = !quoted,
            char => {
                escaped = false;
                if let Some(part) = parts.last_mut() {
                    part.push(char);
                }
            }
        }
    }
    let pair = |part: &String| {
        let (key, value) = part.split_once('=')?;
        Some((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    parts.iter().skip(1).filter_map(pair).collect()
}

/// A text with its character set and language before it: `UTF-8''na%20me`.
fn extended(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, '\'');
    let charset = parts.next()?;
    let encoded = parts.nth(1)?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The header for a file of this name and type.
pub(super) fn header(name: &str, mime_type: &str) -> String {
    let way = if SHOWN.contains(&mime_type) {
        "inline"
    } else {
        "attachment"
    };
    let plain = |char: char| {
        let good = char.is_ascii_graphic() || char == ' ';
        if good && !matches!(char, '"' | '\\' | '%') {
            char
        } else {
            '_'
        }
    };
    let fallback: String = name.chars().map(plain).collect();
    let mut header = format!("{way}; filename=\"{fallback}\"");
    if fallback != name {
        header.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                header.push(char::from(byte));
            } else {
                // Writing to a text does not fail.
                let _written = write!(header, "%{byte:02X}");
            }
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_and_stripped_of_folders() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(file_name(text).as_deref(), expected, "{text}");
        };
        check(r#"attachment; filename="plan.md""#, Some("plan.md"));
        check("attachment; filename=plan.md", Some("plan.md"));
        check(
            r#"form-data; name="file"; FileName="a b.txt""#,
            Some("a b.txt"),
        );
        check(r#"attachment; filename="a;b.txt"; x=y"#, Some("a;b.txt"));
        check(r#"attachment; filename="a\"b.txt""#, Some("a\"b.txt"));
        check(r#"attachment; filename="../../etc/passwd""#, Some("passwd"));
        check(r"attachment; filename=C:\temp\x.png", Some("x.png"));
        check(
            r#"attachment; filename="x"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20.md"#,
            Some("größe .md"),
        );
        check("attachment; filename=x; filename*=latin1''y", Some("x"));
        check("attachment; filename=x; filename*=UTF-8''%C3", Some("x"));
        check("attachment; filename=x; filename*=UTF-8''%", Some("x"));
        check("attachment", None);
        check("", None);
        check("attachment; filename", None);
        check(r#"attachment; filename="""#, None);
        check("attachment; filename=..", None);
        check("attachment; filename=a/", None);
        check("attachment; filename=a\u{1}", None);
        check(&format!("x; filename={}", "x".repeat(256)), None);
    }

    #[test]
    fn a_name_is_written_so_that_no_header_breaks() {
        let check = |name: &str, kind: &str, expected: &str| {
            assert_eq!(header(name, kind), expected);
        };
        check("a.png", "image/png", r#"inline; filename="a.png""#);
        check(
            "a.pdf",
            "application/pdf",
            r#"attachment; filename="a.pdf""#,
        );
        check("a.csv", "text/csv", r#"attachment; filename="a.csv""#);
        check(
            "größe \".md",
            "text/markdown",
            "attachment; filename=\"gr__e _.md\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%22.md",
        );
        for name in ["größe \".md", "100%.txt", "a;b, c.txt"] {
            let written = header(name, "text/plain");
            assert_eq!(file_name(&written).as_deref(), Some(name), "{written}");
        }
    }
}
