//! People sign in to a web product in their browsers, at the emulator.

use std::time::Duration;

use azconnect_core::{Clock, Effect, ErrorKind, Retry, Scope};
use azconnect_emulator::{Conduct, Fault, FaultAction, Landing, Settings};
use azconnect_identity::Authority;
use azconnect_identity::user::{LinkState, Obstacle, Prompt, RedirectAnswer, SignInOptions, WebSignIn};
use azconnect_testkit::Canary;

use crate::people::*;

#[tokio::test(start_paused = true)]
async fn a_person_who_signs_in_is_known_by_tenant_and_object() {
    let at = People::new(Settings::default());
    for web in
        [at.web(at.contoso()), at.web(at.contoso()).with_form_post(), at.web(Authority::organizations(&at.cloud()))]
    {
        let (pending, answer) = at.came_back(&web, &SignInOptions::new().with_login_hint(ADA), &Conduct::of(ADA)).await;
        assert_eq!(pending.key(), answer.key());
        let signed_in = web.finish(again(&pending), &answer).await.unwrap();
        let ada = &signed_in.person;
        assert_eq!(ada.id, person(CONTOSO, ADA_ID));
        assert_eq!((ada.display_name.as_deref(), ada.email.as_deref()), (Some("Ada"), Some("ada@contoso.example")));
        assert_eq!((ada.user_name.as_deref(), ada.home.as_deref()), (Some(ADA), None));
        assert_eq!(claim(&signed_in.token.secret, "oid"), ADA_ID);
        assert!(signed_in.refresh.is_some() && signed_in.missing.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_another_person_in_each_tenant() {
    let at = People::new(Settings::default());
    let web = at.web(at.fabrikam());
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    let guest = web.finish(pending, &answer).await.unwrap().person;
    assert_eq!(guest.id, person(FABRIKAM, GUEST_ID));
    assert!(guest.home.unwrap().contains(CONTOSO));
}

#[tokio::test(start_paused = true)]
async fn a_person_of_another_tenant_does_not_come_in() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let (address, _) = web.start(&SignInOptions::new()).unwrap();
    let landing = at.visitor.visit(address.as_str(), &Conduct::of(MALLORY)).await.unwrap();
    let Landing::Shown { text, .. } = landing else { panic!("{landing:?}") };
    assert!(!text.is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_offline_access_no_refresh_token_is_given() {
    let at = People::new(Settings::default());
    let scope = Scope::delegated(DEVOPS, ["user_impersonation"]).unwrap();
    let web = WebSignIn::new(at.portal(at.contoso()), back(), scope).unwrap();
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    assert!(web.finish(pending, &answer).await.unwrap().refresh.is_none());
}

#[tokio::test(start_paused = true)]
async fn whoever_declines_is_told_from_whoever_leaves_and_from_a_silent_refusal() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let cases = [
        (Conduct::of(ADA).declining(), SignInOptions::new(), Obstacle::Declined, "accept"),
        (Conduct::of(ADA), SignInOptions::new().with_prompt(Prompt::Nothing), Obstacle::Interaction, "link"),
        (
            Conduct::of(ADA),
            SignInOptions::new().with_further(format!("api://{SERVICE}/govern").parse().unwrap()),
            Obstacle::Left,
            "admin consent",
        ),
    ];
    for (conduct, options, obstacle, advice) in cases {
        let (pending, answer) = at.came_back(&web, &options, &conduct).await;
        let before = at.emulator.exchanges();
        let error = web.finish(pending, &answer).await.unwrap_err();
        assert_eq!(Obstacle::of(&error), Some(obstacle), "{error:?}");
        assert_eq!(LinkState::of(&error), LinkState::MustLinkAgain(obstacle));
        assert!(error.advice().contains(advice), "{}", error.advice());
        assert_eq!((error.effect(), error.retry(), at.emulator.exchanges()), (Effect::None, Retry::No, before));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_another_sign_in_is_refused_before_its_code_is_shown_to_anybody() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let (_, theirs) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(BOB)).await;
    let (ours, _) = web.start(&SignInOptions::new()).map(|(_, pending)| (pending, ())).unwrap();
    let before = at.emulator.exchanges();
    let error = web.finish(ours, &theirs).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("answer")));
    // A refusal is believed no more than a code.
    let (_, pending) = web.start(&SignInOptions::new()).unwrap();
    let forged = RedirectAnswer::from_query("error=access_denied&state=forged").unwrap();
    let error = web.finish(pending, &forged).await.unwrap_err();
    assert_eq!((error.field(), Obstacle::of(&error)), (Some("answer"), None));
    assert_eq!(at.emulator.exchanges(), before);
}

#[tokio::test(start_paused = true)]
async fn a_replayed_redirect_gives_nothing() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    let kept = again(&pending);
    web.finish(pending, &answer).await.unwrap();
    let error = web.finish(kept, &answer).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Unauthenticated, Some("AADSTS54005")));
    assert_eq!(error.retry(), Retry::No);
}

#[tokio::test(start_paused = true)]
async fn a_stolen_code_serves_nobody_without_the_verifier_and_the_nonce() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    let other = "a".repeat(43);
    let error = web.finish(changed(&pending, 3, &other), &answer).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::NotAccepted), "{error:?}");
    let error = web.finish(changed(&pending, 2, &other), &answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.message().contains("another sign-in"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_old_sign_in_and_one_with_other_settings_are_refused() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    let before = at.emulator.exchanges();
    let elsewhere = at.web(Authority::organizations(&at.cloud()));
    let error = elsewhere.finish(again(&pending), &answer).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("pending")));
    at.clock.sleep(Duration::from_secs(601)).await;
    let error = web.finish(again(&pending), &answer).await.unwrap_err();
    assert_eq!((error.kind(), error.field(), error.retry()), (ErrorKind::Timeout, Some("pending"), Retry::No));
    assert_eq!(at.emulator.exchanges(), before);
    // With more time of ours the code itself is too old.
    let error = web.with_time_limit(Duration::from_secs(3600)).finish(pending, &answer).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::Expired));
}

#[tokio::test(start_paused = true)]
async fn whoever_links_again_must_be_the_same_person() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let options = SignInOptions::new().with_expected(person(CONTOSO, ADA_ID)).with_prompt(Prompt::SelectAccount);
    let (pending, answer) = at.came_back(&web, &options, &Conduct::of(BOB)).await;
    let error = web.finish(pending, &answer).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Conflict, Some("person")));
    let (pending, answer) = at.came_back(&web, &options, &Conduct::of(ADA)).await;
    web.finish(pending, &answer).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn options_that_do_not_go_together_are_refused_before_anybody_is_sent_away() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let both = SignInOptions::new().with_login_hint(ADA).with_prompt(Prompt::SelectAccount);
    assert_eq!(web.start(&both).unwrap_err().field(), Some("prompt"));
    let mixed = SignInOptions::new().with_further(at.cloud().graph_scope());
    assert_eq!(web.start(&mixed).unwrap_err().field(), Some("further"));
    let ad_fs = at.portal(Authority::ad_fs(&at.cloud()));
    assert_eq!(WebSignIn::new(ad_fs, back(), work()).unwrap_err().field(), Some("authority"));
}

#[tokio::test(start_paused = true)]
async fn a_code_is_given_in_once_even_if_the_answer_is_lost() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    let lost = at.emulator.faults().add(Fault::new(FaultAction::LoseAnswer).with_path("/token").forever());
    let error = web.finish(pending, &answer).await.unwrap_err();
    assert_eq!((error.kind(), error.retry(), error.effect()), (ErrorKind::Unavailable, Retry::No, Effect::None));
    assert_eq!(at.emulator.faults().hits(lost), 1);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_redemption_is_repeated_since_nothing_was_used() {
    let at = People::new(Settings::default());
    let web = at.web(at.contoso());
    let (pending, answer) = at.came_back(&web, &SignInOptions::new(), &Conduct::of(ADA)).await;
    let throttle = FaultAction::Throttle { status: 429, retry_after: Some(Duration::from_secs(2)) };
    at.emulator.faults().add(Fault::new(throttle).with_path("/token"));
    web.finish(pending, &answer).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_sign_in_is_shown() {
    let at = People::new(Settings::default());
    let canary = Canary::new();
    let ears = canary.listen();
    let web = at.web(at.contoso());
    let (address, pending) = web.start(&SignInOptions::new()).unwrap();
    for part in 1..=3 {
        let written = pending.to_secret();
        canary.watch(&azconnect_core::Secret::new(written.expose().split(' ').nth(part).unwrap()));
    }
    let landing = at.visitor.visit(address.as_str(), &Conduct::of(ADA)).await.unwrap();
    canary.watch(&azconnect_core::Secret::new(landing.field("code").unwrap()));
    let answer = answer(&landing);
    let mut shown = format!("{web:?} {pending:?} {answer:?} {}", pending.key());
    let kept = again(&pending);
    let signed_in = web.finish(pending, &answer).await.unwrap();
    canary.watch(&signed_in.token.secret);
    canary.watch(signed_in.refresh.as_ref().unwrap());
    let error = web.finish(kept, &answer).await.unwrap_err();
    shown += &format!("{signed_in:?} {error} {error:?} {}", error.advice());
    drop(ears);
    canary.assert_absent("Debug, Display or advice", shown.as_bytes());
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}
