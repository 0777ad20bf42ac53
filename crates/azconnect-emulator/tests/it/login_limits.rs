//! How many token requests are answered.

use std::time::Duration;

use azconnect_emulator::{RateLimit, Settings, SignInSettings};

use crate::harness::{DEPLOYER, GRAPH_SCOPE, Harness, OPERATOR, OPERATOR_SECRET, Way, contoso};
use crate::signing_in::refused;

async fn one_request_too_many_is_throttled_with_a_pause(way: Way) {
    let limit = RateLimit::new(3, Duration::from_secs(60));
    let settings = Settings::default().with_sign_in(SignInSettings::default().with_rate_limit(limit));
    let harness = Harness::new(way, settings, &contoso()).await;
    for _ in 0..3 {
        harness.token_reply(OPERATOR, OPERATOR_SECRET, GRAPH_SCOPE).await.expect(200);
        harness.advance(10);
    }
    let reply = harness.token_reply(OPERATOR, OPERATOR_SECRET, GRAPH_SCOPE).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "30"));
    assert_eq!(refused(&reply), (90055, "temporarily_unavailable".to_owned()));
    // Another client is another matter.
    harness.token_reply(DEPLOYER, "deployer-old", GRAPH_SCOPE).await.expect(200);
    harness.advance(30);
    harness.token_reply(OPERATOR, OPERATOR_SECRET, GRAPH_SCOPE).await.expect(200);
}

async fn the_same_token_again_and_again_is_a_loop(way: Way) {
    let limit = RateLimit::new(2, Duration::from_secs(300));
    let settings = Settings::default().with_sign_in(SignInSettings::default().with_loop_limit(limit));
    let harness = Harness::new(way, settings, &contoso()).await;
    let ask = async |scope: &str| harness.token_reply(OPERATOR, OPERATOR_SECRET, scope).await;
    ask(GRAPH_SCOPE).await.expect(200);
    ask(GRAPH_SCOPE).await.expect(200);
    assert_eq!(refused(&ask(GRAPH_SCOPE).await), (50196, "invalid_grant".to_owned()));
    ask("https://management.azure.com/.default").await.expect(200);
    harness.advance(300);
    ask(GRAPH_SCOPE).await.expect(200);
}

mod both {
    crate::both_ways! {
        one_request_too_many_is_throttled_with_a_pause
        the_same_token_again_and_again_is_a_loop
    }
}
