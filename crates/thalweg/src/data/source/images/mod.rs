//! Folders of pictures: a class per subfolder, `train`, `dev` and `test` above them, or pictures without classes.

mod decode;
mod folder;

use std::path::{Path, PathBuf};

use thalweg_kernels::pool;

use self::decode::Header;
pub(super) use self::folder::part;
use crate::data::arrays::Arrays;
use crate::data::pictures::PictureForm;
use crate::error::{Error, Result};
use crate::spec;
use crate::train::event::Decision;

/// The side that larger pictures are brought to.
const SIDE: usize = 64;

/// How many unreadable files a message names.
const NAMED: usize = 5;

/// A picture's file, and its class where it has one.
struct Picture {
    path: PathBuf,
    class: Option<String>,
}

/// Whether a file is a picture by its name and by its first bytes.
pub(super) fn is_picture(path: &Path, start: &[u8]) -> bool {
    folder::is_named_like_a_picture(path) && image::guess_format(start).is_ok_and(|format| format.reading_enabled())
}

/// The pictures of a folder, or none where it has none.
pub(super) fn open_folder(folder: &Path, options: &spec::Data) -> Result<Option<Arrays>> {
    let (pictures, mut bad) = folder::walk(folder)?;
    if pictures.is_empty() {
        return Ok(None);
    }
    read(&folder.display().to_string(), folder, pictures, &mut bad, options).map(Some)
}

/// One picture, without an answer.
pub(super) fn open_file(path: &Path, options: &spec::Data) -> Result<Arrays> {
    let name = path.display().to_string();
    let folder = path.parent().unwrap_or(Path::new(""));
    read(&name, folder, vec![Picture { path: path.into(), class: None }], &mut Vec::new(), options)
}

/// Decodes pictures and brings them to one form. Those that cannot be read are left out, each with its reason in `bad`.
fn read(
    source: &str,
    folder: &Path,
    mut pictures: Vec<Picture>,
    bad: &mut Vec<String>,
    options: &spec::Data,
) -> Result<Arrays> {
    let all = pictures.len() + bad.len();
    let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let mut decisions = Vec::new();
    let form = match given_form(options) {
        Some(form) => form,
        None => {
            let headers = pool::map(pictures.len(), |i| decode::header(&pictures[i].path));
            let headers = keep_readable(&mut pictures, headers, bad, name);
            refuse_if_many(source, all, bad, options)?;
            form(&headers, options, &mut decisions)
        }
    };
    let decoded = pool::map(pictures.len(), |i| decode::pixels(&pictures[i].path, form));
    let x = keep_readable(&mut pictures, decoded, bad, name).concat();
    refuse_if_many(source, all, bad, options)?;

    let mut arrays = Arrays::new(source, &form.shape(), x)?;
    if pictures.iter().all(|picture| picture.class.is_some()) {
        arrays = arrays.with_answers("class", pictures.iter().filter_map(|picture| picture.class.clone()))?;
    }
    arrays.files = pictures.iter().map(|picture| name(&picture.path)).collect();
    arrays.pictures = Some(form);
    arrays.decisions = decisions;
    if !bad.is_empty() {
        arrays.warnings.push(format!("{source}: {} of {all} files are left out: {}", bad.len(), listed(bad)));
    }
    Ok(arrays)
}

/// Leaves out the pictures of which something went wrong, and says what.
fn keep_readable<T>(
    pictures: &mut Vec<Picture>,
    results: Vec<std::result::Result<T, String>>,
    bad: &mut Vec<String>,
    name: impl Fn(&Path) -> String,
) -> Vec<T> {
    let mut kept = Vec::with_capacity(results.len());
    let mut results = results.into_iter();
    pictures.retain(|picture| match results.next() {
        Some(Ok(result)) => {
            kept.push(result);
            true
        }
        Some(Err(reason)) => {
            bad.push(format!("{} ({reason})", name(&picture.path)));
            false
        }
        None => false,
    });
    kept
}

fn listed(bad: &[String]) -> String {
    let more = if bad.len() > NAMED { format!(" and {} more", bad.len() - NAMED) } else { String::new() };
    format!("{}{more}", bad[..bad.len().min(NAMED)].join("; "))
}

fn refuse_if_many(source: &str, all: usize, bad: &[String], options: &spec::Data) -> Result<()> {
    let most = options.max_bad.unwrap_or(0.01);
    if bad.len() == all || bad.len() > (most * all as f64).ceil() as usize {
        let error = Error::data(format!("{} of {all} files cannot be read: {}", bad.len(), listed(bad))).at(source);
        return Err(error.fix(format!("mend or remove them, or allow more with --max-bad (now {most})")));
    }
    Ok(())
}

/// What the pictures are brought to, where the options leave nothing to the pictures.
fn given_form(options: &spec::Data) -> Option<PictureForm> {
    let (Some(&[height, width]), Some(channels)) = (options.image_size.as_deref(), options.channels) else {
        return None;
    };
    Some(PictureForm { height, width, channels, fit: options.fit.unwrap_or_default() })
}

/// What the pictures are brought to: as the options say, else by what most of them are.
fn form(headers: &[Header], options: &spec::Data, decisions: &mut Vec<Decision>) -> PictureForm {
    let mut decide = |what: String, why: String, flag: &str| {
        decisions.push(Decision { what, why, flag: flag.into() });
    };
    let channels = options.channels.unwrap_or_else(|| {
        let grey = headers.iter().all(|header| header.grey);
        let (what, why) = if grey { ("grey", "all of them are") } else { ("red, green and blue", "some have colours") };
        decide(format!("pictures are read as {what}"), why.into(), if grey { "--channels 3" } else { "--channels 1" });
        if grey { 1 } else { 3 }
    });
    let fit = options.fit.unwrap_or_default();
    if let Some([height, width]) = options.image_size.as_deref() {
        return PictureForm { height: *height, width: *width, channels, fit };
    }
    let first = headers[0];
    let alike = headers.iter().all(|header| (header.height, header.width) == (first.height, first.width));
    if alike && first.height.max(first.width) <= SIDE {
        return PictureForm { height: first.height, width: first.width, channels, fit };
    }
    let mut sides: Vec<usize> = headers.iter().map(|header| header.height.min(header.width)).collect();
    sides.sort_unstable();
    let side = sides[sides.len() / 2];
    let chosen = side.clamp(8, SIDE);
    let why = format!("half of them are {side} pixels high or wide, or less");
    decide(format!("pictures are brought to {chosen} × {chosen} pixels"), why, "--image-size 96,96");
    if !alike {
        let why = "they differ in size".into();
        decide("of each picture the middle is kept".into(), why, "--fit pad");
    }
    PictureForm { height: chosen, width: chosen, channels, fit }
}
