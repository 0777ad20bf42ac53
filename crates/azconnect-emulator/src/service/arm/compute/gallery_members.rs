//! The members of the bodies of images and galleries, as Microsoft's specification of the API names them.

use crate::model::arm::kind::ResourceKind;
use crate::service::arm::members::Members;

const TOP: Members = ("", "ResourceDefinition", &["id", "name", "type", "location", "tags", "identity", "properties"]);

/// Every object that this emulator looks at, of the body of a kind.
pub(crate) fn of(kind: ResourceKind) -> &'static [Members] {
    match kind {
        ResourceKind::Gallery => &[
            TOP,
            (
                "properties",
                "GalleryProperties",
                &[
                    "description",
                    "identifier",
                    "provisioningState",
                    "sharingProfile",
                    "sharingStatus",
                    "softDeletePolicy",
                ],
            ),
            ("properties.sharingProfile", "SharingProfile", &["permissions", "groups", "communityGalleryInfo"]),
            (
                "properties.sharingProfile.communityGalleryInfo",
                "CommunityGalleryInfo",
                &[
                    "publicNamePrefix",
                    "publisherUri",
                    "publisherContact",
                    "eula",
                    "publicNames",
                    "communityGalleryEnabled",
                ],
            ),
        ],
        ResourceKind::GalleryImage => &[
            TOP,
            (
                "properties",
                "GalleryImageProperties",
                &[
                    "allowUpdateImage",
                    "architecture",
                    "description",
                    "disallowed",
                    "endOfLifeDate",
                    "eula",
                    "features",
                    "hyperVGeneration",
                    "identifier",
                    "osState",
                    "osType",
                    "privacyStatementUri",
                    "provisioningState",
                    "purchasePlan",
                    "recommended",
                    "releaseNoteUri",
                ],
            ),
            ("properties.identifier", "GalleryImageIdentifier", &["publisher", "offer", "sku"]),
            ("properties.purchasePlan", "ImagePurchasePlan", &["name", "publisher", "product"]),
            ("properties.features.[]", "GalleryImageFeature", &["name", "value", "startsAtVersion"]),
        ],
        ResourceKind::GalleryVersion => &[
            TOP,
            (
                "properties",
                "GalleryImageVersionProperties",
                &[
                    "provisioningState",
                    "publishingProfile",
                    "replicationStatus",
                    "restore",
                    "safetyProfile",
                    "securityProfile",
                    "storageProfile",
                    "validationsProfile",
                ],
            ),
            (
                "properties.publishingProfile",
                "GalleryImageVersionPublishingProfile",
                &[
                    "endOfLifeDate",
                    "excludeFromLatest",
                    "publishedDate",
                    "replicaCount",
                    "replicationMode",
                    "storageAccountType",
                    "targetExtendedLocations",
                    "targetRegions",
                ],
            ),
            (
                "properties.publishingProfile.targetRegions.[]",
                "TargetRegion",
                &[
                    "additionalReplicaSets",
                    "encryption",
                    "excludeFromLatest",
                    "name",
                    "regionalReplicaCount",
                    "storageAccountType",
                ],
            ),
        ],
        _ => &[
            ("", "ResourceDefinition", &["id", "name", "type", "location", "tags", "extendedLocation", "properties"]),
            (
                "properties",
                "ImageProperties",
                &["hyperVGeneration", "provisioningState", "sourceVirtualMachine", "storageProfile"],
            ),
            ("properties.storageProfile", "ImageStorageProfile", &["osDisk", "dataDisks", "zoneResilient"]),
        ],
    }
}
