//! Images: files of any size and type, resized to one size; and clips of them.

mod clips;

use thalweg_media::images::{self, Header};

use super::Medium;
use super::file_dataset::FileDataset;
use crate::config;
use crate::data::arrays::Arrays;
use crate::data::media_spec::{MediaSpec, PictureSpec};
use crate::error::Result;
use crate::event::Decision;

/// Image files.
pub(super) const MEDIUM: Medium = Medium {
    endings: &[
        "jpg", "jpeg", "jfif", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff", "ppm", "pgm", "pbm", "pnm",
        "pam", "tga", "ico", "hdr", "qoi",
    ],
    convert: "JPEG or PNG",
    aside: None,
    read,
};

/// The side that larger images are resized to.
const SIDE: usize = 64;

/// Decodes images and converts them to a common form.
fn read(mut dataset: FileDataset, options: &config::Data) -> Result<Arrays> {
    let mut decisions = Vec::new();
    if clips::are_here(&dataset, options, &mut decisions) {
        return clips::read(dataset, options, decisions);
    }
    let spec = match given_form(options) {
        Some(spec) => spec,
        None => spec(&dataset.read(options, images::header)?, options, &mut decisions),
    };
    dataset.into_arrays(MediaSpec::Pictures(spec), options, decisions, |path| images::pixels(path, spec))
}

/// The common form of the images, if the options specify it completely.
fn given_form(options: &config::Data) -> Option<PictureSpec> {
    let (Some(&[height, width]), Some(channels)) = (options.image_size.as_deref(), options.channels) else {
        return None;
    };
    Some(PictureSpec { height, width, channels, fit: options.fit.unwrap_or_default() })
}

/// The common form of the images: as the options say, else that of most images.
fn spec(headers: &[Header], options: &config::Data, decisions: &mut Vec<Decision>) -> PictureSpec {
    let mut decide = |what: String, why: String, instead: &str| {
        decisions.push(Decision { what, why, instead: instead.into() });
    };
    let channels = options.channels.unwrap_or_else(|| {
        let grey = headers.iter().all(|header| header.grey);
        let (what, why) = if grey { ("grey", "all of them are") } else { ("red, green and blue", "some have colours") };
        decide(format!("pictures are read as {what}"), why.into(), if grey { "[channels=3]" } else { "[channels=1]" });
        if grey { 1 } else { 3 }
    });
    let fit = options.fit.unwrap_or_default();
    if let Some([height, width]) = options.image_size.as_deref() {
        return PictureSpec { height: *height, width: *width, channels, fit };
    }
    let first = headers[0];
    let alike = headers.iter().all(|header| (header.height, header.width) == (first.height, first.width));
    if alike && first.height.max(first.width) <= SIDE {
        return PictureSpec { height: first.height, width: first.width, channels, fit };
    }
    let mut sides: Vec<usize> = headers.iter().map(|header| header.height.min(header.width)).collect();
    sides.sort_unstable();
    let side = sides[sides.len() / 2];
    let chosen = side.clamp(8, SIDE);
    let why = format!("half of them are {side} pixels high or wide, or less");
    decide(format!("pictures are brought to {chosen} × {chosen} pixels"), why, "[image_size=96,96]");
    if !alike {
        let why = "they differ in size".into();
        decide("of each picture the middle is kept".into(), why, "[fit=pad]");
    }
    PictureSpec { height: chosen, width: chosen, channels, fit }
}
