//! What a form offers: the fake passes, and each broken promise is named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::choices::{
    Availability, Offer, OfferSource, OfferedGroup, OfferedImage, OfferedRegion, OfferedSize, SizeFilter,
};
use azconnect_arm::port::Choices;
use azconnect_core::{Error, ErrorKind};
use azconnect_testkit::conformance::choices::{self, ChoicesHarness};
use azconnect_testkit::fake::{ArmCall, Fault, Subscription};

use crate::judged::{named, verdict};

/// What is wrong with an implementation.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    Nothing,
    FiltersNothing,
    HidesWhatIsClosed,
    CallsTheCatalogueListed,
    CoversAnOutage,
    TakesAnyRegion,
    ListsEveryGroup,
    ResolvesNoImage,
    KeepsSilent,
}

/// The fake, with a flaw.
#[derive(Clone)]
struct Subject(Subscription, Flaw);

#[async_trait]
impl Choices for Subject {
    async fn regions(&self) -> Result<Offer<OfferedRegion>, Error> {
        let mut offer = match self.0.regions().await {
            Err(_) if self.1 == Flaw::CoversAnOutage => Subscription::new().regions().await?,
            offer => offer?,
        };
        if self.1 == Flaw::CallsTheCatalogueListed {
            offer.source = OfferSource::Listed;
        }
        Ok(offer)
    }

    async fn sizes(&self, region: &str, filter: &SizeFilter) -> Result<Offer<OfferedSize>, Error> {
        let all = SizeFilter::new();
        let filter = if self.1 == Flaw::FiltersNothing { &all } else { filter };
        let taken = self.1 == Flaw::TakesAnyRegion && region.contains(' ');
        let mut offer = self.0.sizes(if taken { "westeurope" } else { region }, filter).await?;
        if self.1 == Flaw::HidesWhatIsClosed {
            offer.entries.iter_mut().for_each(|size| size.availability = Availability::Available);
        }
        if self.1 == Flaw::KeepsSilent {
            offer.notices.clear();
        }
        Ok(offer)
    }

    async fn images(&self, region: &str) -> Result<Offer<OfferedImage>, Error> {
        let mut offer = self.0.images(region).await?;
        if self.1 == Flaw::ResolvesNoImage {
            offer.entries.iter_mut().for_each(|image| image.version = None);
        }
        Ok(offer)
    }

    async fn groups(&self) -> Result<Offer<OfferedGroup>, Error> {
        let mut offer = self.0.groups().await?;
        if self.1 == Flaw::ListsEveryGroup {
            offer.entries.push(OfferedGroup::new("rg-of-others", "westeurope"));
        }
        Ok(offer)
    }
}

#[async_trait]
impl ChoicesHarness for Subject {
    fn choices(&self) -> Arc<dyn Choices> {
        Arc::new(self.clone())
    }
    async fn add_group(&self, name: &str, region: &str) {
        self.0.seed_group_in(name, region);
    }
    async fn close_size(&self, region: &str, size: &str) {
        self.0.close_size(region, size);
    }
    async fn limit_to_group(&self) {
        self.0.limit_lists_to("rg-web");
    }
    async fn break_down(&self) {
        self.0.faults().break_down(ArmCall::Choices, Fault::Refused(ErrorKind::Unavailable));
    }
}

#[tokio::test]
async fn the_fake_keeps_the_promises_of_choices() {
    choices::all(async || Subject(Subscription::new(), Flaw::Nothing)).await;
}

#[tokio::test]
async fn broken_choices_are_named() {
    let run = async |flaw| verdict(choices::all(async || Subject(Subscription::new(), flaw))).await;
    let limited = "an identity of one group is offered what is built in";
    let closed = "a closed size is told, with why";
    let filters = "a filter leaves out what does not fulfil it, and nothing else";
    let unknown = "an unknown region offers no size, and says so";
    named(&run(Flaw::FiltersNothing).await, &[filters, closed, limited]);
    named(&run(Flaw::HidesWhatIsClosed).await, &[closed, limited]);
    named(&run(Flaw::CallsTheCatalogueListed).await, &[limited]);
    named(&run(Flaw::CoversAnOutage).await, &["an outage is an error, and never covered by what is built in"]);
    named(&run(Flaw::TakesAnyRegion).await, &["what is no region is refused"]);
    named(&run(Flaw::ListsEveryGroup).await, &["what the service has is listed", limited]);
    named(&run(Flaw::ResolvesNoImage).await, &["an image has its version"]);
    named(&run(Flaw::KeepsSilent).await, &[limited, unknown]);
}
