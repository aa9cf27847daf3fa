//! How training examples are changed: as the configuration says, and otherwise as suits the kind of data.

use super::decide;
use super::facts::Facts;
use crate::config::Augment;
use crate::data::media_spec::SoundSpec;
use crate::error::{Advice, Error, Result};
use crate::event::Decision;
use crate::train::{Augmentation, Changes, ImageChanges, Mix};

/// Options for images alone, and for sounds alone.
const OF_IMAGES: [&str; 11] = [
    "flip",
    "flip_vertical",
    "rotate",
    "zoom",
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "blur",
    "noise",
    "erase",
];
const OF_SOUNDS: [&str; 9] =
    ["gain", "stretch", "pitch", "snr", "suppress", "mask_time", "mask_frequency", "background", "background_snr"];

/// How training examples are changed: not by default where the head alone is trained.
///
/// # Errors
/// If an option is for another kind of data, or backgrounds cannot be read.
pub(super) fn augmentation(facts: &Facts, head_alone: bool, decisions: &mut Vec<Decision>) -> Result<Augmentation> {
    let asked = &facts.config.augment;
    let given = given(asked);
    let own = given.iter().any(|name| !["augment", "ablate_augment"].contains(&name.as_str()));
    let usual = !facts.course && (facts.image.is_some() || facts.sound.is_some());
    let auto = usual && !head_alone;
    if usual && head_alone && !own && asked.augment.is_none() {
        let why = "what the frozen layers make of them is computed once";
        decide(decisions, "training examples are not changed".into(), why.into(), "[augment=true]");
    }
    if asked.augment == Some(false) || !(own || asked.augment == Some(true) || auto) {
        return Ok(Augmentation::default());
    }
    if facts.sequences {
        let error = Error::config("the steps of sequences are not changed in training").at("augment.augment");
        return Err(error.fix("leave out what changes images and sounds"));
    }
    if asked.ablate_augment && facts.dev_rows == 0 {
        let error = Error::config("augmentation is judged on a dev part, and there is none");
        return Err(error.at("augment.ablate_augment").fix("give a dev part with [split] or [dev]"));
    }
    let (wrong, medium, flag) = if facts.sound.is_some() {
        (OF_IMAGES.as_slice(), "images", "[gain=6]")
    } else {
        (OF_SOUNDS.as_slice(), "sounds", "[rotate=10]")
    };
    if let Some(name) = given.iter().find(|name| wrong.contains(&name.as_str())) {
        let error = Error::config(format!("this is for {medium}, and the data has none")).at(format!("augment.{name}"));
        return Err(error.fix(Advice::from("leave it out, or use another such as ").and(flag)));
    }
    if !mix(asked).is_none() && facts.config.train.label_smoothing > 0.0 {
        let error = Error::config("mixed examples and smoothed labels").at("augment.mixup, augment.cutmix");
        return Err(error.fix("leave [label_smoothing] out: mixing does its work"));
    }
    match facts.sound {
        Some(spec) => of_sounds(facts, spec, decisions),
        None => Ok(of_images(facts, decisions)),
    }
}

/// The names of the options that were given.
fn given(asked: &Augment) -> Vec<String> {
    let table = |options: &Augment| serde_json::to_value(options).expect("options are plain data");
    let (asked, usual) = (table(asked), table(&Augment::default()));
    let options = asked.as_object().into_iter().flatten();
    options.filter(|(name, value)| usual.get(name) != Some(value)).map(|(name, _)| name.clone()).collect()
}

fn of_images(facts: &Facts, decisions: &mut Vec<Decision>) -> Augmentation {
    let asked = &facts.config.augment;
    let (colour, clips) = (facts.image.is_some_and(|[.., channels]| channels == 3), facts.frames > 1);
    let usual = if colour {
        ImageChanges {
            flip: !clips,
            shift: 0.1,
            rotate: 15.0,
            zoom: 0.2,
            brightness: 0.3,
            contrast: 0.3,
            saturation: 0.3,
            erase: 0.3,
            ..ImageChanges::default()
        }
    } else {
        ImageChanges { shift: 0.05, erase: 0.3, ..ImageChanges::default() }
    };
    let chosen = ImageChanges {
        flip: asked.flip.unwrap_or(usual.flip),
        flip_vertical: asked.flip_vertical,
        shift: asked.shift.unwrap_or(usual.shift),
        rotate: asked.rotate.unwrap_or(usual.rotate),
        zoom: asked.zoom.unwrap_or(usual.zoom),
        brightness: asked.brightness.unwrap_or(usual.brightness),
        contrast: asked.contrast.unwrap_or(usual.contrast),
        saturation: asked.saturation.unwrap_or(usual.saturation),
        hue: asked.hue,
        blur: asked.blur,
        noise: asked.noise,
        erase: asked.erase.unwrap_or(usual.erase),
    };
    let mix = if facts.few_photos && asked.cutmix.is_none() { Mix { cutmix: 0.5, ..mix(asked) } } else { mix(asked) };
    let chosen = Augmentation { changes: Changes::Images(chosen), mix };
    let why = match (clips, colour) {
        (true, _) => "all frames of a clip alike; mirrored, what moves to the left would move to the right",
        (_, true) => "colour images look alike mirrored",
        _ => "signs such as digits are not mirrored",
    };
    tell(decisions, if clips { "clips" } else { "images" }, &chosen, why);
    chosen
}

fn mix(asked: &Augment) -> Mix {
    Mix { mixup: asked.mixup, cutmix: asked.cutmix.unwrap_or_default() }
}

/// Tells which changes are made.
fn tell(decisions: &mut Vec<Decision>, what: &str, augmentation: &Augmentation, why: &str) {
    let told = |(name, by): &(&str, Option<f64>)| {
        let name = name.replace('_', "-");
        by.map_or_else(|| name.clone(), |by| format!("{name} {by}"))
    };
    let parts: Vec<String> = augmentation.parts().iter().map(told).collect();
    let what = format!("training {what} are changed in each epoch: {}", parts.join(", "));
    decide(decisions, what, why.into(), "[augment=false]");
}

#[cfg(feature = "sounds")]
fn of_sounds(facts: &Facts, spec: SoundSpec, decisions: &mut Vec<Decision>) -> Result<Augmentation> {
    use crate::data::source;
    use crate::train::{SoundChanges, SoundStrengths};

    let asked = &facts.config.augment;
    let (stretch, pitch, mask_time, mask_frequency) =
        if facts.few_sounds { (0.0, 0.0, 0.1, 0.2) } else { (0.1, 2.0, 0.2, 0.4) };
    let strong = SoundStrengths {
        gain: asked.gain.unwrap_or(6.0),
        shift: asked.shift.unwrap_or(0.1),
        stretch: asked.stretch.unwrap_or(stretch),
        pitch: asked.pitch.unwrap_or(pitch),
        snr: asked.snr,
        suppress: asked.suppress,
        mask_time: asked.mask_time.unwrap_or(mask_time),
        mask_frequency: asked.mask_frequency.unwrap_or(mask_frequency),
        background_snr: asked.background_snr.unwrap_or(5.0),
    };
    let backgrounds = match &asked.background {
        Some(folder) => source::backgrounds(folder, spec.sample_rate)?,
        None => Vec::new(),
    };
    let changes = Changes::Sounds(SoundChanges::new(strong, spec.sample_rate, backgrounds));
    let chosen = Augmentation { changes, mix: mix(asked) };
    let why = if facts.few_sounds {
        "few sounds are learned soonest when changed little"
    } else {
        "they sound alike to people"
    };
    tell(decisions, "sounds", &chosen, why);
    Ok(chosen)
}

#[cfg(not(feature = "sounds"))]
fn of_sounds(_: &Facts, _: SoundSpec, _: &mut Vec<Decision>) -> Result<Augmentation> {
    Ok(Augmentation::default())
}
