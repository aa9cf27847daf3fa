//! Clips: animated images and folders of frames, whole and broken, and a network that tells where things move.

use std::fs;
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, GrayImage, Luma, Rgb, RgbImage};
use thalweg::config::{self, Config};
use thalweg::data::arrays::Arrays;
use thalweg::data::media_spec::MediaSpec;
use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::run;

use crate::folder::{Folder, arrays};

/// Writes an animated GIF.
fn gif(folder: &Folder, name: &str, frames: impl IntoIterator<Item = RgbImage>) {
    let mut encoder = GifEncoder::new(fs::File::create(folder.file(name)).unwrap());
    let frame = |picture: RgbImage| {
        let rgba = image::DynamicImage::from(picture).into_rgba8();
        Frame::from_parts(rgba, 0, 0, Delay::from_numer_denom_ms(100, 1))
    };
    encoder.encode_frames(frames.into_iter().map(frame)).unwrap();
}

/// A picture of one red for each frame, by which it is known again.
fn red(value: u8) -> RgbImage {
    RgbImage::from_pixel(10, 8, Rgb([value, 0, 0]))
}

fn reds(values: impl IntoIterator<Item = u8>) -> Vec<RgbImage> {
    values.into_iter().map(red).collect()
}

fn clips_of(frames: usize) -> config::Data {
    config::Data { frames: Some(frames), ..config::Data::default() }
}

fn open(folder: &Folder, options: &config::Data) -> Arrays {
    arrays(&folder.path(), options).unwrap()
}

fn refused(path: &Path, options: &config::Data) -> String {
    arrays(&path.display().to_string(), options).map(|_| ()).unwrap_err().to_string()
}

/// The reds of an example's frames, from their first pixels.
fn seen(found: &Arrays, example: usize, frames: usize) -> Vec<f32> {
    let one = found.width() / frames;
    (0..frames).map(|i| found.x[example * found.width() + i * one]).collect()
}

fn told(found: &Arrays) -> String {
    let all: Vec<String> = found.decisions.iter().map(|told| format!("{}: {}", told.what, told.why)).collect();
    all.join("\n")
}

#[test]
fn animated_files_are_clips() {
    let folder = Folder::new();
    gif(&folder, "a/one.gif", reds([10, 20, 30, 40]));
    gif(&folder, "a/two.gif", reds([50, 60, 70, 80]));
    gif(&folder, "b/longer.gif", reds((0..12).map(|i| 10 * i)));
    let found = open(&folder, &config::Data::default());
    assert_eq!((found.rows(), &found.shape[..], &found.files[2][..]), (3, &[4 * 8, 10, 3][..], "b/longer.gif"));
    assert_eq!(seen(&found, 1, 4), [50.0, 60.0, 70.0, 80.0]);
    assert_eq!(seen(&found, 2, 4), [10.0, 40.0, 70.0, 100.0], "the middle of each quarter");
    assert_eq!(found.answers.columns[0].get(2), "b");
    let told = told(&found);
    for expected in ["animated pictures are clips: 3 of 3", "of each clip 4 frames are kept", "they have 4 to 12"] {
        assert!(told.contains(expected), "{expected:?} in {told}");
    }
    let two = open(&folder, &clips_of(2));
    assert_eq!((seen(&two, 0, 2), seen(&two, 2, 2)), (vec![20.0, 40.0], vec![30.0, 90.0]));
}

#[test]
fn every_animated_format_is_read_alike() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    for name in ["animated.gif", "animated.webp", "animated.png"] {
        let path = files.join(name).display().to_string();
        let found = arrays(&path, &config::Data::default()).unwrap();
        assert_eq!(found.shape, [3 * 12, 16, 3], "{name}");
        let pixels = found.x.chunks(12 * 16 * 3).flat_map(|frame| &frame[..3]);
        let expected = [200.0, 0.0, 0.0, 0.0, 200.0, 0.0, 0.0, 0.0, 200.0];
        assert!(pixels.zip(expected).all(|(x, expected)| (x - expected).abs() <= 1.0), "{name}");
        let still = arrays(&path, &clips_of(1)).unwrap();
        assert_eq!((&still.shape[..], &still.x[..3]), (&[12, 16, 3][..], &[200.0, 0.0, 0.0][..]), "{name}");
    }
}

#[test]
fn folders_of_numbered_pictures_are_clips_in_the_order_of_their_numbers() {
    let folder = Folder::new();
    let add = |name: &str, clip: u8| {
        (1..=12).for_each(|i| red(20 * i + clip).save(folder.file(&format!("{name}/f{i}.png"))).unwrap());
    };
    for (name, clip) in [("a/clip0", 0), ("a/clip2", 2), ("b/clip1", 1), ("b/clip3", 3)] {
        add(name, clip);
    }
    folder.write("a/clip0/notes.txt", "no picture");
    let found = open(&folder, &config::Data::default());
    assert_eq!((found.rows(), &found.shape[..]), (4, &[12 * 8, 10, 3][..]));
    assert_eq!(found.files, ["a/clip0", "a/clip2", "b/clip1", "b/clip3"]);
    assert_eq!(seen(&found, 0, 12), (1..=12).map(|i| 20.0 * i as f32).collect::<Vec<_>>(), "10 after 9");
    assert!(told(&found).contains("each folder of pictures is a clip: the 4 folders"), "{}", told(&found));
    // As pictures each is an example. So it is where names are no numbers, or a class has one folder.
    assert_eq!(open(&folder, &clips_of(1)).rows(), 48);
    add("c/clip4", 4);
    assert_eq!(open(&folder, &config::Data::default()).rows(), 60);
    add("c/clip5", 5);
    assert_eq!(open(&folder, &config::Data::default()).rows(), 6);
    red(9).save(folder.file("a/clip0/cover.png")).unwrap();
    assert_eq!(open(&folder, &config::Data::default()).rows(), 73);
    assert_eq!(open(&folder, &clips_of(4)).rows(), 6, "as it is asked for");
}

#[test]
fn pictures_are_clips_only_where_most_of_them_are_animated() {
    let folder = Folder::new();
    for i in 0..4 {
        red(i).save(folder.file(&format!("a/{i}.png"))).unwrap();
    }
    gif(&folder, "b/moves.gif", reds([7, 9]));
    let found = open(&folder, &config::Data::default());
    assert_eq!((found.rows(), &found.shape[..], found.x[4 * 240]), (5, &[8, 10, 3][..], 7.0));
    // Among clips a still one is a clip of one frame.
    let found = open(&folder, &clips_of(2));
    assert_eq!((found.rows(), seen(&found, 3, 2), seen(&found, 4, 2)), (5, vec![3.0, 3.0], vec![7.0, 9.0]));
    assert!(told(&found).contains("frames of 4 clips are repeated: they have fewer than 2"), "{}", told(&found));
}

#[test]
fn clips_without_classes_are_predicted_from() {
    let folder = Folder::new();
    for i in 1..=3 {
        red(10 * i).save(folder.file(&format!("one/{i}.png"))).unwrap();
        red(100 + i).save(folder.file(&format!("two/{i}.png"))).unwrap();
    }
    let found = open(&folder, &clips_of(3));
    assert_eq!((found.files.join(" "), found.answers.columns.len()), ("one two".into(), 0));
    // The folder of one clip.
    let one = arrays(&folder.file("one").display().to_string(), &clips_of(3)).unwrap();
    assert_eq!((one.rows(), seen(&one, 0, 3)), (1, vec![10.0, 20.0, 30.0]));
}

#[test]
fn lists_name_animated_files() {
    let folder = Folder::new();
    gif(&folder, "x.gif", reds([1, 2]));
    gif(&folder, "y.gif", reds([3, 4]));
    folder.write("list.csv", "file,label\nx.gif,a\ny.gif,b\n");
    let found = arrays(&folder.file("list.csv").display().to_string(), &config::Data::default()).unwrap();
    assert_eq!((found.rows(), seen(&found, 1, 2)), (2, vec![3.0, 4.0]));
}

#[test]
fn frames_of_several_sizes_have_one_form() {
    let folder = Folder::new();
    RgbImage::from_pixel(40, 20, Rgb([10, 0, 0])).save(folder.file("a/c/1.png")).unwrap();
    RgbImage::from_pixel(9, 30, Rgb([20, 0, 0])).save(folder.file("a/c/2.png")).unwrap();
    let options = config::Data { image_size: Some(vec![8, 8]), ..clips_of(2) };
    let found = open(&folder, &options);
    assert_eq!((&found.shape[..], seen(&found, 0, 2)), (&[16, 8, 3][..], vec![10.0, 20.0]));
}

/// A GIF of a canvas, whose frames are one pixel each.
fn pixels(side: u16, frames: usize) -> Vec<u8> {
    let [low, high] = side.to_le_bytes();
    let mut bytes = [b"GIF89a", &[low, high, low, high, 0x80, 0, 0][..], &[0, 0, 0, 255, 255, 255]].concat();
    let frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];
    (0..frames).for_each(|_| bytes.extend(frame));
    bytes.push(0x3b);
    bytes
}

#[test]
fn broken_and_hostile_clips_are_refused_by_name() {
    let folder = Folder::new();
    let whole = pixels(2, 9);
    for (name, bytes, expected) in [
        ("none.gif", pixels(2, 0), "cannot be read"),
        ("cut.gif", whole[..whole.len() - 20].to_vec(), "frames"),
        ("wide.gif", pixels(60_000, 2), "60000 × 60000 pixels are too many"),
        ("long.gif", pixels(2_000, 2_000), "2000 frames of 2000 × 2000 pixels are too many for a file of its size"),
        ("text.gif", b"no picture".to_vec(), "no picture"),
    ] {
        folder.write(name, bytes);
        let told = refused(&folder.file(name), &clips_of(4));
        assert!(told.contains(name) && told.contains(expected), "{expected:?} in {told}");
    }
    // Many frames alone are no harm.
    folder.write("many.gif", pixels(1, 100_000));
    let found = arrays(&folder.file("many.gif").display().to_string(), &clips_of(4)).unwrap();
    assert_eq!((found.rows(), found.width()), (1, 4 * 3));
    // A frame of a folder is named, too.
    let folder = Folder::new();
    red(1).save(folder.file("a/clip/1.png")).unwrap();
    folder.write("a/clip/2.png", "no picture");
    let told = refused(Path::new(&folder.path()), &clips_of(2));
    assert!(told.contains("a/clip (2.png: "), "{told}");
}

#[test]
fn any_animation_at_any_cut_is_read_or_refused() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let folder = Folder::new();
    for name in ["animated.gif", "animated.webp", "animated.png"] {
        let whole = fs::read(files.join(name)).unwrap();
        let options = config::Data { image_size: Some(vec![8, 8]), channels: Some(3), ..clips_of(3) };
        for cut in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[cut] ^= 0x55;
            for bytes in [&damaged[..], &whole[..cut]] {
                folder.write(name, bytes);
                if let Err(error) = arrays(&folder.file(name).display().to_string(), &options) {
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
    }
}

#[test]
fn videos_are_refused_with_the_command_that_makes_frames() {
    for ending in ["mp4", "mov", "avi", "mkv", "webm"] {
        let folder = Folder::new();
        let video = folder.file(&format!("a/clip.{ending}"));
        folder.write(&format!("a/clip.{ending}"), "of another kind");
        let of = video.with_extension("");
        let command = format!("ffmpeg -i {} -vf fps=5 {}/%04d.png", video.display(), of.display());
        let told = refused(&video, &config::Data::default());
        assert!(told.contains("a video") && told.contains(&command), "{told}");
        let told = refused(Path::new(&folder.path()), &config::Data::default());
        assert!(told.contains(&command), "{told}");
        // A class of nothing else.
        gif(&folder, "b/moves.gif", reds([1, 2]));
        let told = refused(Path::new(&folder.path()), &config::Data::default());
        assert!(told.contains("class \"a\"") && told.contains(&command), "{told}");
    }
    let folder = Folder::new();
    folder.write("list.csv", "file,label\na.mp4,a\nb.mp4,b\n");
    let told = refused(&folder.file("list.csv"), &config::Data::default());
    assert!(told.contains("ffmpeg -i a.mp4"), "{told}");
}

const WAYS: [(&str, [i64; 2]); 4] = [("left", [-1, 0]), ("right", [1, 0]), ("up", [0, -1]), ("down", [0, 1])];

/// A bar that moves over a torus: no frame alone tells where to.
fn bar([dx, dy]: [i64; 2], i: i64) -> Vec<RgbImage> {
    let (left, top, wide, high, light) = (i * 5, i * 3, 2 + i % 4, 2 + i * 7 % 4, 150 + 10 * (i % 10) as u8);
    let frame = |t: i64| {
        GrayImage::from_fn(12, 12, |x, y| {
            let (x, y) = ((i64::from(x) - left - dx * t).rem_euclid(12), (i64::from(y) - top - dy * t).rem_euclid(12));
            Luma([if x < wide && y < high { light } else { 20 }])
        })
    };
    (0..6).map(|t| image::DynamicImage::from(frame(t)).into_rgb8()).collect()
}

#[test]
fn a_network_learns_where_things_move() {
    let folder = Folder::new();
    for (way, step) in WAYS {
        (0..60).for_each(|i| gif(&folder, &format!("clips/{way}/{i:02}.gif"), bar(step, i)));
    }
    let out = folder.file("run").display().to_string();
    let data = folder.file("clips").display().to_string();
    let settings = [("path", &data[..]), ("out", &out), ("epochs", "40"), ("channels", "1"), ("quality", "fast")];
    let settings: Vec<(String, String)> = settings.iter().map(|&(key, value)| (key.into(), value.into())).collect();
    let mut events = Vec::new();
    let outcome = run::train(&Config::load(None, &settings).unwrap(), &mut |event: &Event| {
        if let Event::Decision(decision) = event {
            events.push(decision.what.clone());
        }
    });
    let outcome = outcome.unwrap();
    let accuracy = outcome.metrics.test["accuracy"].value;
    assert!(accuracy >= 0.9, "{accuracy}");
    assert!(
        events.iter().any(|told| told.contains("training clips are changed") && !told.contains("flip")),
        "{events:?}"
    );

    // The file knows the form of clips: others are read alike, as files and as folders of frames.
    let model = Model::load(&outcome.model).unwrap();
    let Some(MediaSpec::Clips(spec)) = model.pipeline.media() else { panic!("the form of clips") };
    assert_eq!((spec.frames, spec.frame.height, spec.frame.channels), (6, 12, 1));
    let predicted = |name: &str| {
        let mut answers = Vec::new();
        let path = folder.file(name).display().to_string();
        let take = &mut |found: &thalweg::model::Predictions| {
            answers.extend(found.predictions.iter().map(|row| row[0].clone()));
            Ok(())
        };
        model.predict(&path, &config::Data::default(), Default::default(), take).unwrap();
        answers
    };
    let mut right = 0;
    for (way, step) in WAYS {
        gif(&folder, "new.gif", bar(step, 61));
        let frames = bar(step, 61);
        for (i, frame) in frames.iter().enumerate() {
            frame.save(folder.file(&format!("frames/{way}/{i}.png"))).unwrap();
        }
        let answers = predicted("new.gif");
        assert_eq!(answers.len(), 1);
        right += usize::from(answers[0] == way);
    }
    assert!(right >= 3, "{right} of 4");
    assert_eq!(predicted("frames").len(), 4);
    let report = fs::read_to_string(outcome.run.join("report.html")).unwrap();
    assert!(report.contains("each of 6 frames of 12×12"), "the layers are named");
}
