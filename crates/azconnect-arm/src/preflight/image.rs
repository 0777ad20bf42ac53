//! The image: whether it exists, and under which terms it is sold.

use azconnect_credential::Check;

use super::check::PreflightCheck;
use super::judge::unread;
use super::read::Facts;
use crate::error::is_absent;
use crate::spec::{ImageChoice, ImageKind, VmSpec};

pub(super) fn image(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::Image;
    Some(match &facts.image {
        // An image of others may not be read, and be used all the same. That it is not there is said of itself alone.
        Err(error) if matches!(spec.image, ImageChoice::Id(_)) && !is_absent(error) => check
            .unknown("the image may not be read", "nothing, if the provisioning succeeds")
            .with_diagnosis(error.diagnosis().clone()),
        Err(error) => unread(check, error),
        Ok(image) if spec.check_system(&image.properties).is_err() => {
            check.failed_by(&spec.check_system(&image.properties).err()?)
        }
        // The service takes no administrator, key or cloud-init for a machine of it.
        Ok(image) if image.properties.is_specialized() => check.failed(
            "the image is specialized: it is still set up as the machine it was made of",
            "choose a generalized image: a machine that is set up with an administrator cannot be built of a specialized one",
        ),
        Ok(image) => {
            if let Some(error) = &facts.unverified {
                let cause = format!(
                    "the image is defined; whether its version {} is in {} could not be read",
                    image.name, spec.location
                );
                return Some(check.unknown(cause, "nothing, if the provisioning succeeds").with_error(error));
            }
            let status = &image.properties.image_deprecation_status;
            match status.image_state.as_deref() {
                Some("Deprecated") => {
                    check.failed(format!("version {} is withdrawn", image.name), "choose a newer version or image")
                }
                Some("ScheduledForDeprecation") => {
                    let when = status.scheduled_deprecation_time.as_deref().unwrap_or("a date not given");
                    check.passed(format!("version {} exists, and is withdrawn at {when}", image.name))
                }
                _ => check.passed(format!("version {} exists", image.name)),
            }
        }
    })
}

pub(super) fn terms(spec: &VmSpec, facts: &Facts) -> Option<Check> {
    let check = PreflightCheck::Terms;
    let Ok(image) = &facts.image else { return None };
    let Some(plan) = &image.properties.plan else {
        // The document of a managed image names no plan, and the machine that it was made of may have had one.
        return Some(if is_managed(&spec.image) {
            check.unknown(
                "a managed image does not show whether it was made from one that is sold on the marketplace",
                "nothing, if it was not; else choose an image of a gallery, whose definition names the plan",
            )
        } else {
            check.passed("the image is not sold on the marketplace")
        });
    };
    let sold = format!("the image is sold as {}/{}/{}", plan.publisher, plan.product, plan.name);
    let remedy = format!(
        "have its terms read (Subscription::image_terms) and accepted once (Subscription::accept_terms), or: az vm image \
         terms accept --publisher {} --offer {} --plan {}",
        plan.publisher, plan.product, plan.name
    );
    Some(match facts.terms.as_ref()? {
        Ok(terms) if terms.properties.accepted => check.passed(format!("{sold}, and its terms are accepted")),
        Ok(terms) => {
            let licence = terms.properties.license_text_link.as_deref().unwrap_or("in the portal");
            check.failed(format!("{sold}, and its terms are not accepted: the licence is {licence}"), remedy)
        }
        // Whoever may not read them may still build: somebody else may have accepted them.
        Err(error) => check
            .unknown(format!("{sold}; whether its terms are accepted could not be read"), remedy)
            .with_diagnosis(error.diagnosis().clone()),
    })
}

fn is_managed(image: &ImageChoice) -> bool {
    matches!(image, ImageChoice::Id(id) if ImageKind::of(id) == Some(ImageKind::Managed))
}
