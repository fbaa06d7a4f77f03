//! Which program asks, guessed from what it says of itself.
//!
//! A guess for reports: whoever asks can say what it likes, so nothing is decided by it. To add a program, add its
//! line to [`KNOWN`], above those whose names its own contains.

/// What a `User-Agent` contains, in lower case, and the program that says so. The first that fits counts: programs
/// come before the libraries that they are built with, which their `User-Agent` may name as well.
const KNOWN: &[(&str, &str)] = &[
    // Agents and editors.
    ("claude-cli/", "claude-code"),
    ("claude-code/", "claude-code"),
    ("claude-vscode", "claude-code"),
    ("codex_", "codex"),
    ("codex/", "codex"),
    ("codex-", "codex"),
    ("githubcopilot", "github-copilot"),
    ("github-copilot", "github-copilot"),
    ("copilot/", "github-copilot"),
    ("cursor/", "cursor"),
    ("zed/", "zed"),
    ("kilo-code/", "kilo-code"),
    ("roo-code/", "roo-code"),
    ("roocode/", "roo-code"),
    ("cline/", "cline"),
    ("continue/", "continue"),
    ("continuedev", "continue"),
    ("opencode/", "opencode"),
    ("crush/", "crush"),
    ("charm-crush", "crush"),
    ("aider/", "aider"),
    ("goose/", "goose"),
    ("geminicli", "gemini-cli"),
    ("qwencode/", "qwen-code"),
    ("qwen-code/", "qwen-code"),
    ("mux/", "mux"),
    ("windsurf/", "windsurf"),
    ("jetbrains", "jetbrains"),
    ("openwebui", "open-webui"),
    ("open-webui", "open-webui"),
    ("librechat", "librechat"),
    ("litellm/", "litellm"),
    ("langchain", "langchain"),
    ("bursar-sdk/", "bursar-sdk"),
    ("bursar-chat/", "bursar-chat"),
    // Libraries.
    ("ai-sdk/", "vercel-ai-sdk"),
    ("asyncopenai/python", "openai-python"),
    ("openai/python", "openai-python"),
    ("asyncazureopenai/python", "openai-python"),
    ("azureopenai/python", "openai-python"),
    ("openai/js", "openai-node"),
    ("azureopenai/js", "openai-node"),
    ("openai/go", "openai-go"),
    ("openai/java", "openai-java"),
    ("openai/ruby", "openai-ruby"),
    ("openai/", "openai-dotnet"),
    ("async-openai", "async-openai"),
    ("asyncanthropic/python", "anthropic-python"),
    ("anthropic/python", "anthropic-python"),
    ("anthropic/js", "anthropic-typescript"),
    ("anthropic/go", "anthropic-go"),
    ("anthropic/java", "anthropic-java"),
    ("anthropic/ruby", "anthropic-ruby"),
    // What speaks HTTP.
    ("curl/", "curl"),
    ("wget/", "wget"),
    ("httpie/", "httpie"),
    ("postmanruntime/", "postman"),
    ("insomnia/", "insomnia"),
    ("python-requests/", "python-requests"),
    ("python-httpx/", "python-httpx"),
    ("aiohttp/", "python-aiohttp"),
    ("go-http-client/", "go-http-client"),
    ("node-fetch", "node-fetch"),
    ("axios/", "axios"),
    ("undici", "undici"),
    ("okhttp/", "okhttp"),
    ("mozilla/", "browser"),
];

/// How much of a `User-Agent` is looked at: programs name themselves at its start.
const LOOKED_AT: usize = 512;

/// The program that says this of itself; `None` when it is none that is known.
#[must_use]
pub fn guess(user_agent: &str) -> Option<&'static str> {
    let start: String = user_agent.chars().take(LOOKED_AT).collect();
    let said = start.to_ascii_lowercase();
    let begins = |part: &str| {
        said.match_indices(part).any(|(at, _)| {
            let before = said.get(..at).and_then(|before| before.chars().last());
            before.is_none_or(|one| !one.is_ascii_alphanumeric())
        })
    };
    let mut known = KNOWN.iter().filter(|(part, _)| begins(part));
    known.next().map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_known_by_what_they_say() {
        let check = |said: &str, name: Option<&str>| assert_eq!(guess(said), name, "{said}");
        check("OpenAI/Python 1.109.1", Some("openai-python"));
        check("AsyncOpenAI/Python 2.8.0", Some("openai-python"));
        check("AsyncAzureOpenAI/Python 1.50.0", Some("openai-python"));
        check("OpenAI/JS 5.23.2", Some("openai-node"));
        check("OpenAI/Go 1.12.0", Some("openai-go"));
        check("OpenAI/Java 2.7.0", Some("openai-java"));
        check(
            "OpenAI/2.2.0 (.NET 8.0.11; Ubuntu 22.04)",
            Some("openai-dotnet"),
        );
        check("async-openai", Some("async-openai"));
        check("Anthropic/Python 0.71.0", Some("anthropic-python"));
        check("AsyncAnthropic/Python 0.71.0", Some("anthropic-python"));
        check("Anthropic/JS 0.65.0", Some("anthropic-typescript"));
        check("Anthropic/Go 1.13.0", Some("anthropic-go"));
    }

    #[test]
    fn agents_and_editors_are_known_by_what_they_say() {
        let check = |said: &str, name: Option<&str>| assert_eq!(guess(said), name, "{said}");
        check("claude-cli/2.0.31 (external, cli)", Some("claude-code"));
        check(
            "claude-cli/2.0.67 (external, claude-vscode, agent-sdk/0.1.67)",
            Some("claude-code"),
        );
        check(
            "codex_cli_rs/0.55.0 (Mac OS 15.6.1; arm64) vscode/1.105.1",
            Some("codex"),
        );
        check(
            "codex_exec/0.48.0 (Ubuntu 24.4.0; x86_64) xterm-256color",
            Some("codex"),
        );
        check("codex_vscode/0.5.30 (Windows 10; x86_64)", Some("codex"));
        check("GitHubCopilotChat/0.32.4", Some("github-copilot"));
        check("GithubCopilot/1.270.0", Some("github-copilot"));
        check(
            "copilot/0.0.354 (client/cli linux v22)",
            Some("github-copilot"),
        );
        check("Cursor/2.0.43", Some("cursor"));
        check("Zed/0.210.4 (linux; x86_64)", Some("zed"));
        check("Kilo-Code/4.115.0", Some("kilo-code"));
        check("RooCode/3.29.0", Some("roo-code"));
        check("Cline/3.35.0", Some("cline"));
        check("Continue/1.3.18 (VS Code)", Some("continue"));
        check("opencode/1.0.68", Some("opencode"));
        check(
            "Charm-Crush/0.18.4 (https://charm.land/crush)",
            Some("crush"),
        );
        check(
            "GeminiCLI/0.13.0/gemini-2.5-pro (linux; x64)",
            Some("gemini-cli"),
        );
        check("mux/0.9.0 ai-sdk/anthropic/2.0.44", Some("mux"));
        check(
            "ai/5.0.93 ai-sdk/openai/2.0.65 runtime/node.js/22",
            Some("vercel-ai-sdk"),
        );
        check("litellm/1.79.3", Some("litellm"));
        check("curl/8.5.0", Some("curl"));
        check("python-requests/2.32.3", Some("python-requests"));
        check("python-httpx/0.28.1", Some("python-httpx"));
        check("Python/3.12 aiohttp/3.12.15", Some("python-aiohttp"));
        check("Go-http-client/1.1", Some("go-http-client"));
        check(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
            Some("browser"),
        );
        check(
            "Mozilla/5.0 (Macintosh) AppleWebKit/537.36 Cursor/2.0.43 Chrome/138.0 Electron/37.7.0",
            Some("cursor"),
        );
        check("bursar-sdk/0.1.0", Some("bursar-sdk"));
    }

    #[test]
    fn what_only_resembles_a_program_is_none() {
        let check = |said: &str| assert_eq!(guess(said), None, "{said}");
        check("");
        check("something/1.0");
        check("libcurl/8.5.0");
        check("amazed/2.0");
        check("mycursor/1");
        check(&format!("{}curl/8", "x ".repeat(LOOKED_AT)));
    }

    /// A longer name after a shorter one that it contains would never be found.
    #[test]
    fn every_line_can_be_reached() {
        for (part, name) in KNOWN {
            assert_eq!(*part, part.to_ascii_lowercase());
            assert_eq!(guess(part), Some(*name), "{part}");
        }
    }
}
