//! The product's script, wrapped so that its outcome can be read later.

/// Where the outcome lies in the machine: the exit code, once the script has ended.
pub(super) const MARKER: &str = "/var/lib/azconnect/agent.exit";

/// Where the script's output lies in the machine.
pub(super) const LOG: &str = "/var/log/azconnect-agent.log";

/// A script that runs the product's script, keeps its output, and leaves its exit code in the marker. Errors of a script
/// are not fatal to cloud-init, and the machine counts as ready before the script ends: so the marker decides.
pub(super) fn wrapped(script: &str) -> String {
    let end = (0_u32..)
        .map(|number| format!("AZCONNECT_END_{number}"))
        .find(|end| !script.lines().any(|line| line == end))
        .unwrap_or_default();
    let body = script.trim_end_matches('\n');
    format!(
        "#!/bin/sh\n\
         umask 077\n\
         mkdir -p /var/lib/azconnect\n\
         rm -f {MARKER}\n\
         cat > /var/lib/azconnect/agent.sh <<'{end}'\n\
         {body}\n\
         {end}\n\
         chmod 700 /var/lib/azconnect/agent.sh\n\
         /var/lib/azconnect/agent.sh > {LOG} 2>&1\n\
         code=$?\n\
         echo \"$code\" > {MARKER}.new && mv {MARKER}.new {MARKER}\n\
         exit \"$code\"\n"
    )
}

/// The script that asks how far the other one is, for a run command.
pub(super) fn inquiry() -> String {
    format!(
        "#!/bin/sh\n\
         if [ -f {MARKER} ]; then echo \"azconnect-exit: $(cat {MARKER})\"; fi\n\
         if command -v cloud-init > /dev/null; then cloud-init status 2> /dev/null | sed -n 's/^status: /azconnect-cloud-init: /p'; fi\n\
         echo azconnect-log:\n\
         tail -c 3000 {LOG} 2> /dev/null\n\
         exit 0\n"
    )
}

/// What the inquiry found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The script ended with code 0.
    Succeeded,
    /// It runs, or has not begun.
    Waiting,
    /// It ended with another code, or cloud-init gave up before it ran. The end of its output.
    Failed { code: Option<i64>, output: String },
}

/// Reads the output of the inquiry.
pub(super) fn read(output: &str) -> Found {
    let value = |name: &str| output.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let log = || output.split_once("azconnect-log:\n").map_or("", |(_, log)| log).trim().to_owned();
    match (value("azconnect-exit:").map(str::parse::<i64>), value("azconnect-cloud-init:")) {
        (Some(Ok(0)), _) => Found::Succeeded,
        (Some(code), _) => Found::Failed { code: code.ok(), output: log() },
        (None, Some("error" | "done" | "disabled")) => Found::Failed { code: None, output: log() },
        (None, _) => Found::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_is_what_the_marker_says() {
        assert_eq!(read("azconnect-exit: 0\nazconnect-cloud-init: done\nazconnect-log:\nx"), Found::Succeeded);
        assert_eq!(read("azconnect-cloud-init: running\nazconnect-log:\nx"), Found::Waiting);
        assert_eq!(read(""), Found::Waiting);
        let failed = Found::Failed { code: Some(7), output: "no disk".into() };
        assert_eq!(read("azconnect-exit: 7\nazconnect-log:\nno disk\n"), failed);
    }

    #[test]
    fn cloud_init_that_ended_without_the_script_is_a_failure() {
        let failed = Found::Failed { code: None, output: String::new() };
        assert_eq!(read("azconnect-cloud-init: error\nazconnect-log:\n"), failed);
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
