//! The product's script, wrapped so that its outcome can be read later.

/// The file that exists once the script has ended with code 0.
const SUCCESS: &str = "/var/lib/azconnect/agent.ok";

/// The file that holds the exit code once the script has failed.
const FAILURE: &str = "/var/lib/azconnect/agent.failed";

/// The file that holds the output of the script.
const LOG: &str = "/var/log/azconnect-agent.log";

/// A script that runs the product's script, keeps its output, and leaves a mark of its outcome. Errors of a script are
/// not fatal to cloud-init, and the machine counts as ready before the script ends: so the mark decides.
pub(crate) fn wrapped(script: &str) -> String {
    let end = (0_u32..)
        .map(|number| format!("AZCONNECT_END_{number}"))
        .find(|end| !script.lines().any(|line| line == end))
        .unwrap_or_default();
    let body = script.trim_end_matches('\n');
    // `umask 077`, since a script may hold secrets; the end mark in quotes, so that the shell expands nothing in it.
    format!(
        "#!/bin/sh\n\
         umask 077\n\
         mkdir -p /var/lib/azconnect\n\
         rm -f {SUCCESS} {FAILURE}\n\
         cat > /var/lib/azconnect/agent.sh <<'{end}'\n\
         {body}\n\
         {end}\n\
         chmod 700 /var/lib/azconnect/agent.sh\n\
         /var/lib/azconnect/agent.sh > {LOG} 2>&1\n\
         code=$?\n\
         test \"$code\" -eq 0 && touch {SUCCESS}\n\
         test \"$code\" -eq 0 || echo \"$code\" > {FAILURE}\n\
         exit \"$code\"\n"
    )
}

/// The script of a run command that asks how far the wrapped script is. It uses nothing that a plain `sh` lacks.
pub(crate) fn inquiry() -> String {
    format!(
        "#!/bin/sh\n\
         test -f {SUCCESS} && echo azconnect-ok\n\
         test -f {FAILURE} && echo azconnect-failed: && cat {FAILURE}\n\
         cloud-init status 2>/dev/null\n\
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

/// Reads the output of the inquiry.
pub(crate) fn read(output: &str) -> Found {
    let (head, log) = output.split_once("azconnect-log:").unwrap_or((output, ""));
    if head.lines().any(|line| line.trim() == "azconnect-ok") {
        return Found::Succeeded;
    }
    let failed = |code| Found::Failed { code, output: log.trim().to_owned() };
    if let Some((_, code)) = head.split_once("azconnect-failed:") {
        return failed(code.split_whitespace().next().and_then(|code| code.parse().ok()));
    }
    // Without a mark, cloud-init has ended before the script was run, or could not run it.
    match head.lines().find_map(|line| line.strip_prefix("status:")).map(str::trim) {
        Some("error" | "done" | "disabled" | "degraded") => failed(None),
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
        assert_eq!(read(""), Found::Waiting);
        let failed = Found::Failed { code: Some(7), output: "no disk".into() };
        assert_eq!(read("azconnect-failed:\n7\nstatus: error\nazconnect-log:\nno disk\n"), failed);
    }

    #[test]
    fn cloud_init_that_ended_without_the_script_is_a_failure() {
        let failed = Found::Failed { code: None, output: String::new() };
        assert_eq!(read("status: error\nazconnect-log:\n"), failed);
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
