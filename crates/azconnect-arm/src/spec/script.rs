//! The product's script, wrapped so that its outcome can be read later.

use azconnect_core::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The file that exists once the script has ended with code 0.
const SUCCESS: &str = "/var/lib/azconnect/agent.ok";

/// The file that holds the exit code once the script has failed.
const FAILURE: &str = "/var/lib/azconnect/agent.failed";

/// The file that holds the output of the script.
const LOG: &str = "/var/log/azconnect-agent.log";

/// The file that holds the number of the script's process while it runs. It is gone after the machine has restarted.
const PROCESS: &str = "/run/azconnect-agent.pid";

/// The file that is there once cloud-init has ended, however it ended, and not before.
const CLOUD_INIT_ENDED: &str = "/run/cloud-init/result.json";

/// A script that runs the product's script, keeps its output, and leaves a mark of its outcome. Errors of a script are
/// not fatal to cloud-init, and the machine counts as ready before the script ends: so the mark decides.
pub(crate) fn wrapped(script: &str) -> String {
    let end = (0_u32..)
        .map(|number| format!("AZCONNECT_END_{number}"))
        .find(|end| !script.lines().any(|line| line == end))
        .unwrap_or_default();
    let body = script.trim_end_matches('\n');
    // Our own files are private, since a script may hold secrets. The script runs under the umask of the system: what it
    // installs, such as the key of a package source, must be readable for others. The end mark stands in quotes, so that the
    // shell expands nothing in it. A mark appears whole, since the probe may look at any moment.
    format!(
        "#!/bin/sh\n\
         system_umask=$(umask)\n\
         umask 077\n\
         mkdir -p /var/lib/azconnect\n\
         rm -f {SUCCESS} {FAILURE}\n\
         echo \"$$\" > {PROCESS}\n\
         rm -f {LOG}\n\
         touch {LOG}\n\
         cat > /var/lib/azconnect/agent.sh <<'{end}'\n\
         {body}\n\
         {end}\n\
         chmod 700 /var/lib/azconnect/agent.sh\n\
         umask \"$system_umask\"\n\
         /var/lib/azconnect/agent.sh > {LOG} 2>&1\n\
         code=$?\n\
         umask 077\n\
         test \"$code\" -eq 0 && touch {SUCCESS}\n\
         test \"$code\" -eq 0 || {{ echo \"$code\" > {FAILURE}.new && mv {FAILURE}.new {FAILURE}; }}\n\
         rm -f {PROCESS}\n\
         exit \"$code\"\n"
    )
}

/// The longest command line that Windows takes, in characters.
const COMMAND_LINE: usize = 8_191;

/// A PowerShell script that ends with an error where the product's script goes wrong. By default PowerShell goes on after an
/// error, and its exit code tells of the last statement alone.
fn powershell_wrapped(script: &str) -> Zeroizing<String> {
    // Run in a block, so that a script may begin with its parameters, and that its `return` does not skip the last line.
    Zeroizing::new(format!(
        "$ErrorActionPreference='Stop'\n. {{\n{script}\n}}\nif ($LASTEXITCODE) {{ exit $LASTEXITCODE }}\n"
    ))
}

/// The command that runs a PowerShell script, whose exit code is that of the extension. The script is encoded as a whole, so that
/// nothing in it is special to a command line.
pub(crate) fn powershell(script: &str) -> Result<Zeroizing<String>, Error> {
    let wrapped = powershell_wrapped(script);
    let wide: Zeroizing<Vec<u8>> = Zeroizing::new(wrapped.encode_utf16().flat_map(u16::to_le_bytes).collect());
    let encoded = Zeroizing::new(STANDARD.encode(wide.as_slice()));
    let start = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ";
    if script.is_empty() || start.len() + encoded.len() > COMMAND_LINE {
        return Err(Error::invalid("agent_script", "is empty or, for Windows, longer than 2,900 characters")
            .with_advice("let the script download what is large"));
    }
    let mut command = Zeroizing::new(String::with_capacity(start.len() + encoded.len()));
    command.push_str(start);
    command.push_str(&encoded);
    Ok(command)
}

/// The script of a run command that asks how far the wrapped script is. It uses nothing that a plain `sh` lacks.
///
/// The order matters: whether anything still runs is asked before the marks are looked for. A script that ends in between
/// leaves its mark in time, where the other order would find neither.
pub(crate) fn inquiry() -> String {
    format!(
        "#!/bin/sh\n\
         cloud-init status 2>/dev/null\n\
         test -f {CLOUD_INIT_ENDED} && echo azconnect-ended\n\
         kill -0 \"$(cat {PROCESS} 2>/dev/null)\" 2>/dev/null && echo azconnect-running\n\
         test -f {SUCCESS} && echo azconnect-ok\n\
         test -f {FAILURE} && echo azconnect-failed: && cat {FAILURE}\n\
         echo azconnect-log:\n\
         tail -c 3000 {LOG} 2>/dev/null || tail -c 3000 /var/log/cloud-init-output.log 2>/dev/null\n\
         exit 0\n"
    )
}

/// The finding of the inquiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The script ended with code 0.
    Succeeded,
    /// The script runs, or has not begun.
    Waiting,
    /// The script ended with another code, or cloud-init gave up before it ran. With the end of the output.
    Failed { code: Option<i64>, output: String },
}

/// The line of the inquiry's output after which the log stands.
const LOG_FOLLOWS: &str = "azconnect-log:";

/// The end of the log in the output of the inquiry; empty if there is none yet.
pub(crate) fn log(output: &str) -> &str {
    output.split_once(LOG_FOLLOWS).map_or("", |(_, log)| log.trim())
}

/// Reads the output of the inquiry.
pub(crate) fn read(output: &str) -> Found {
    let (head, log) = output.split_once(LOG_FOLLOWS).unwrap_or((output, ""));
    let says = |word: &str| head.lines().any(|line| line.trim() == word);
    if says("azconnect-ok") {
        return Found::Succeeded;
    }
    let failed = |code| Found::Failed { code, output: log.trim().to_owned() };
    if let Some((_, code)) = head.split_once("azconnect-failed:") {
        return failed(code.split_whitespace().next().and_then(|code| code.parse().ok()));
    }
    if says("azconnect-running") {
        return Found::Waiting;
    }
    // Without a mark, cloud-init has ended before the script was run, or could not run it. An error alone is no end: it may
    // be that of an early module, while later ones still run, and the script is the last of all.
    match head.lines().find_map(|line| line.strip_prefix("status:")).map(str::trim) {
        Some("error" | "degraded") if says("azconnect-ended") => failed(None),
        Some("done" | "disabled") => failed(None),
        _ => Found::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_is_what_the_marker_says() {
        assert_eq!(read("azconnect-ok\nstatus: done\nazconnect-log:\nx"), Found::Succeeded);
        assert_eq!(read("status: running\nazconnect-log:\nazconnect-ok"), Found::Waiting);
        assert_eq!(read("status: running\nazconnect-ok\nazconnect-log:\n"), Found::Succeeded, "it ended in between");
        assert_eq!(read(""), Found::Waiting);
        assert_eq!((log("status: running\nazconnect-log:\nstep 1\n"), log("status: running")), ("step 1", ""));
        let failed = Found::Failed { code: Some(7), output: "no disk".into() };
        assert_eq!(read("azconnect-failed:\n7\nstatus: error\nazconnect-log:\nno disk\n"), failed);
    }

    #[test]
    fn cloud_init_that_ended_without_the_script_is_a_failure() {
        let failed = Found::Failed { code: None, output: String::new() };
        for head in ["status: error\nazconnect-ended\n", "status: done\n", "status: disabled\n"] {
            assert_eq!(read(&format!("{head}azconnect-log:\n")), failed, "{head}");
        }
    }

    /// cloud-init shows `error` from the moment an early module fails, while the later ones still run.
    #[test]
    fn an_error_of_an_early_module_ends_nothing_while_something_runs() {
        assert_eq!(read("status: error\nazconnect-log:\n"), Found::Waiting);
        assert_eq!(read("status: error\nazconnect-running\nazconnect-log:\n"), Found::Waiting);
    }

    #[test]
    fn what_runs_is_asked_before_the_marks() {
        let inquiry = inquiry();
        let at = |text: &str| inquiry.find(text).unwrap();
        let marks = at(SUCCESS).min(at(FAILURE));
        assert!(at("cloud-init status") < marks && at(CLOUD_INIT_ENDED) < marks && at(PROCESS) < marks);
    }

    /// PowerShell goes on after an error unless it is told to stop, and says the exit code of the last statement.
    #[test]
    fn the_script_of_windows_stops_at_an_error_and_ends_with_the_code_of_its_program() {
        let command = powershell("param()\nmsiexec /i agent.msi # quiet").unwrap();
        let (_, encoded) = command.split_once(" -EncodedCommand ").unwrap();
        let bytes = STANDARD.decode(encoded).unwrap();
        let wide: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let lines = "$ErrorActionPreference='Stop'|. {|param()|msiexec /i agent.msi # quiet|}|if ($LASTEXITCODE) { exit $LASTEXITCODE }|";
        assert_eq!(String::from_utf16(&wide).unwrap(), lines.replace('|', "\n"));
    }

    #[test]
    fn what_surrounds_a_script_of_windows_counts_for_the_command_line() {
        assert!(powershell(&"#".repeat(2_900)).unwrap().len() <= COMMAND_LINE);
        assert_eq!(powershell(&"#".repeat(3_000)).unwrap_err().field(), Some("agent_script"));
        assert_eq!(powershell("").unwrap_err().field(), Some("agent_script"));
    }

    #[test]
    fn the_wrapper_runs_the_script_and_leaves_its_code() {
        let script = "#!/bin/sh\necho \"$0 'quoted'\" \\\nAZCONNECT_END_0\nexit 3";
        let wrapped = wrapped(script);
        assert!(wrapped.contains(
            "<<'AZCONNECT_END_1'\n#!/bin/sh\necho \"$0 'quoted'\" \\\nAZCONNECT_END_0\nexit 3\nAZCONNECT_END_1\n"
        ));
    }
}
