//! The names of the usual sizes, for where the list of a region may not be read.
//!
//! Written down in 2026 from Microsoft's *Sizes for virtual machines in Azure*. It knows no region and no later size, so that a
//! name which is missing here proves nothing: it is only worth a second look.

/// The parts of names that combine freely: what is before the number, the numbers, and what follows them.
type Series = (&'static str, &'static [&'static str], &'static [&'static str]);

const SERIES: &[Series] = &[
    ("A", &["1", "2", "4", "8"], &["_v2"]),
    ("A", &["2", "4", "8"], &["m_v2"]),
    ("B", &["1"], &["ls", "s", "ms"]),
    ("B", &["2"], &["s", "ms", "ts_v2", "ats_v2", "pts_v2"]),
    ("B", &["4", "8", "12", "16", "20"], &["ms"]),
    ("B", &["2", "4", "8", "16"], &["s_v2", "ls_v2", "as_v2", "als_v2", "ps_v2", "pls_v2"]),
    ("B", &["32"], &["s_v2", "ls_v2", "as_v2", "als_v2"]),
    ("D", &["1", "2", "3", "4", "5", "11", "12", "13", "14", "15"], &["_v2"]),
    ("DS", &["1", "2", "3", "4", "5", "11", "12", "13", "14", "15"], &["_v2"]),
    ("D", &["2", "4", "8", "16", "32", "48", "64"], &["_v3", "s_v3", "_v4", "s_v4", "d_v4", "ds_v4"]),
    ("D", &["2", "4", "8", "16", "32", "48", "64", "96"], &["a_v4", "as_v4", "_v5", "s_v5", "d_v5", "ds_v5"]),
    ("D", &["2", "4", "8", "16", "32", "48", "64", "96"], &["as_v5", "ads_v5", "ls_v5", "lds_v5"]),
    ("D", &["2", "4", "8", "16", "32", "48", "64"], &["ps_v5", "pds_v5", "pls_v5", "plds_v5"]),
    ("D", &["2", "4", "8", "16", "32", "48", "64", "96", "128", "192"], &["s_v6", "ds_v6", "ls_v6", "lds_v6"]),
    ("D", &["2", "4", "8", "16", "32", "48", "64", "96"], &["as_v6", "ads_v6", "als_v6", "alds_v6"]),
    ("D", &["2", "4", "8", "16", "32", "48", "64", "96"], &["ps_v6", "pds_v6", "pls_v6", "plds_v6"]),
    ("DC", &["1", "2", "4", "8"], &["s_v2"]),
    ("DC", &["1", "2", "4", "8", "16", "24", "32", "48"], &["s_v3", "ds_v3"]),
    ("DC", &["2", "4", "8", "16", "32", "48", "64", "96"], &["as_v5", "ads_v5", "es_v5", "eds_v5"]),
    ("E", &["2", "4", "8", "16", "20", "32", "48", "64"], &["_v3", "s_v3", "_v4", "s_v4", "d_v4", "ds_v4"]),
    ("E", &["2", "4", "8", "16", "20", "32", "48", "64", "96"], &["a_v4", "as_v4", "s_v5", "ds_v5", "_v5", "d_v5"]),
    ("E", &["104"], &["i_v5", "is_v5", "id_v5", "ids_v5"]),
    ("E", &["2", "4", "8", "16", "20", "32", "48", "64", "96", "112"], &["as_v5", "ads_v5", "bs_v5", "bds_v5"]),
    ("E", &["2", "4", "8", "16", "20", "32"], &["ps_v5", "pds_v5"]),
    ("E", &["2", "4", "8", "16", "20", "32", "48", "64", "96", "128", "192"], &["s_v6", "ds_v6"]),
    ("E", &["2", "4", "8", "16", "20", "32", "48", "64", "96"], &["as_v6", "ads_v6", "ps_v6", "pds_v6"]),
    ("EC", &["2", "4", "8", "16", "20", "32", "48", "64", "96"], &["as_v5", "ads_v5", "es_v5", "eds_v5"]),
    ("F", &["1", "2", "4", "8", "16"], &["", "s"]),
    ("F", &["2", "4", "8", "16", "32", "48", "64", "72"], &["s_v2"]),
    ("F", &["2", "4", "8", "16", "32", "48", "64"], &["as_v6", "als_v6", "ams_v6"]),
    ("HB", &["120"], &["rs_v2", "rs_v3"]),
    ("HB", &["176"], &["rs_v4"]),
    ("L", &["8", "16", "32", "48", "64", "80"], &["s_v2", "s_v3", "as_v3"]),
    ("M", &["8", "16", "32", "64", "128"], &["ms", "ms_v2", "s", "s_v2"]),
    ("M", &["208", "416"], &["s_v2", "ms_v2"]),
    ("NC", &["4", "8", "16", "64"], &["as_T4_v3"]),
    ("NC", &["24", "48", "96"], &["ads_A100_v4"]),
    ("NC", &["40"], &["ads_H100_v5"]),
    ("NC", &["80"], &["adis_H100_v5"]),
    ("NC", &["6", "12", "24"], &["s_v3"]),
    ("ND", &["96"], &["asr_v4", "amsr_A100_v4", "isr_H100_v5"]),
    ("NV", &["6", "12", "18", "36", "72"], &["ads_A10_v5"]),
    ("NV", &["12", "24", "48"], &["s_v3"]),
    ("NV", &["4", "8", "16", "32"], &["as_v4"]),
];

/// Whether a size is one of the usual ones, such as `Standard_B2s`. Case does not matter.
pub(super) fn is_known(size: &str) -> bool {
    let size = size.to_ascii_lowercase();
    let Some(rest) = size.strip_prefix("standard_") else { return false };
    let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let Some((series, rest)) = rest.split_at_checked(letters) else { return false };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let Some((number, ending)) = rest.split_at_checked(digits) else { return false };
    SERIES.iter().any(|(known, numbers, endings)| {
        known.eq_ignore_ascii_case(series)
            && numbers.contains(&number)
            && endings.iter().any(|one| one.eq_ignore_ascii_case(ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_sizes_are_known_and_slips_are_not() {
        for size in ["Standard_B2s", "standard_d2s_V5", "Standard_E4ps_v5", "Standard_NC4as_T4_v3", "Standard_F4"] {
            assert!(is_known(size), "{size}");
        }
        for slip in ["Standard_B3s", "Standard_D2sv5", "B2s", "Standard_", "Standard_D2s_v5x", "", "Standard_é2"] {
            assert!(!is_known(slip), "{slip}");
        }
    }
}
