//! A test for each mode of the rogue driver, by the number of its case and its name.

use std::collections::BTreeSet;

use super::observed::judge;
use super::{MODES, Mode};

macro_rules! cases {
    ($($test:ident)*) => {
        const TESTS: &[&str] = &[$(stringify!($test)),*];

        $(
            #[test]
            fn $test() {
                judge(mode_of(stringify!($test)));
            }
        )*
    };
}

cases! {
    mode_good
    mode_no_lock
    mode_same_identity
    case_001_not_executable
    case_002_bad_shebang
    case_003_etxtbsy
    case_004_wrong_arch
    case_005_directory_named_like_driver
    case_006_dangling_symlink
    case_007_two_on_path
    case_008_exits_0_immediately
    case_009_exits_1_with_stderr
    case_010_dies_by_signal
    case_011_slow_start
    case_012_never_speaks
    case_013_reads_tty
    case_014_hello_before_request
    case_015_unsupported_version
    case_016_picks_version_not_offered
    case_017_missing_capabilities
    case_018_wrong_name
    case_019_unknown_requires
    case_020_schema_invalid
    case_021_schema_remote_ref
    case_022_schema_huge
    case_022_schema_deep
    case_022_schema_regex_bomb
    case_023_initialize_touches_docker
    case_024_initialize_twice
    case_025_stray_line
    case_026_stray_no_newline_before_reply
    case_027_ansi_banner
    case_028_blank_lines
    case_029_crlf
    case_030_bom
    case_031_pretty_printed
    case_032_two_messages_one_line
    case_033_message_split_in_100_writes
    case_034_one_byte_at_a_time
    case_035_no_final_newline_then_exit
    case_036_5_mib_line
    case_037_endless_line
    case_038_deep_nesting
    case_039_invalid_utf8
    case_040_lone_surrogate
    case_041_nul_bytes
    case_042_utf16_output
    case_043_batch_array
    case_044_json_scalar
    case_045_no_flush
    case_046_nan_infinity
    case_047_wrong_id
    case_048_id_as_string
    case_049_id_as_float
    case_050_id_zero_dropped
    case_051_duplicate_reply
    case_052_reply_then_error_same_id
    case_053_result_and_error
    case_054_neither
    case_055_missing_jsonrpc
    case_056_answers_notification
    case_057_sends_request
    case_058_error_without_message
    case_059_error_code_string
    case_060_unknown_kind
    case_061_host_only_code_2001
    case_062_wrong_result_type
    case_063_unknown_state_string
    case_064_extra_fields
    case_065_null_result
    case_066_empty_argv
    case_067_argv_as_string
    case_068_secret_in_message
    case_069_progress_flood
    case_070_progress_after_reply
    case_071_progress_unknown_id
    case_072_progress_escape_codes
    case_073_progress_5_mb_message
    case_074_ignores_cancel
    case_075_cancel_then_success
    case_076_cancel_no_answer
    case_077_cancel_unknown_id
    case_078_cancelled_but_cluster_left
    case_079_ignores_eof
    case_080_spins_on_eof
    case_081_ignores_sigterm
    case_082_exits_mid_call
    case_083_reply_then_exit
    case_084_closes_stdout_keeps_running
    case_085_closes_stdin
    case_086_never_reads_stdin
    case_087_grandchild_holds_stdout
    case_088_grandchild_survives_sigterm
    case_089_daemonised_child
    case_090_child_eats_stdin
    case_091_child_writes_stdout
    case_092_stderr_flood
    case_093_stderr_one_huge_line
    case_094_stderr_binary
    case_095_stopped_by_sigttin
    case_095_stopped_by_sigstop
    case_096_host_sigkilled_idle
    case_097_host_sigkilled_mid_call
    case_098_laptop_suspend
    case_099_zombie
    case_100_fork_bomb_lite
    case_101_status_of_unknown
    case_102_destroy_twice
    case_103_destroy_of_half_created
    case_104_start_running
    case_105_stop_stopped
    case_106_start_with_changed_config
    case_107_status_has_side_effects
    case_108_long_name
    case_109_exec_splits_words
    case_110_out_of_order
    case_111_forgets_on_restart
    case_112_backend_stack_trace
    case_113_port_in_use
    case_114_ignores_timeout
    case_115_needs_home
}

#[test]
fn every_case_has_a_mode_and_every_mode_a_test() {
    let cases: BTreeSet<u64> = MODES.iter().map(Mode::case).filter(|&case| case > 0).collect();
    assert_eq!(cases, (1..=115).collect());
    let tests: BTreeSet<String> = TESTS.iter().map(|&test| test.to_owned()).collect();
    assert_eq!(tests, MODES.iter().map(test_of).collect());
}

fn mode_of(test: &str) -> &'static Mode {
    MODES.iter().find(|mode| test_of(mode) == test).unwrap()
}

/// The name of the test of a mode.
fn test_of(mode: &Mode) -> String {
    let name = mode.name().to_lowercase().replace('-', "_");
    match mode.case() {
        0 => format!("mode_{name}"),
        case => format!("case_{case:03}_{name}"),
    }
}
