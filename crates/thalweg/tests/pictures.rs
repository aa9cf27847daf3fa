//! Folders of images: every supported format, and every kind of broken file.

use std::fs;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use thalweg::config::{self, Config};
use thalweg::data::arrays::Arrays;
use thalweg::data::inspect;
use thalweg::data::media_spec::Fit;
use thalweg::data::source::{self, Source};
use thalweg::data::{self, dataset::Dataset};

use crate::folder::{Folder, arrays};

fn save(folder: &Folder, name: &str, picture: impl Into<DynamicImage>) {
    picture.into().save(folder.file(name)).unwrap();
}

fn colour(width: u32, height: u32, colour: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(colour))
}

fn open(folder: &Folder) -> Arrays {
    arrays(&folder.path(), &config::Data::default()).unwrap()
}

#[test]
fn a_subfolder_is_a_class_and_every_format_is_read() {
    let folder = Folder::new();
    let endings = ["png", "jpg", "webp", "gif", "bmp", "tiff", "JPEG", "ppm", "pnm", "tga", "qoi"];
    for ending in endings {
        save(&folder, &format!("red/a.{ending}"), colour(12, 9, [200, 0, 0]));
    }
    save(&folder, "red/a.ico", DynamicImage::from(colour(12, 9, [200, 0, 0])).into_rgba8());
    save(&folder, "red/a.hdr", DynamicImage::from(colour(12, 9, [200, 0, 0])).into_rgb32f());
    save(&folder, "blue/deep/b.png", colour(12, 9, [0, 0, 200]));
    folder.write("red/notes.txt", "no picture, and not named like one");
    folder.write(".hidden/c.png", "no picture");
    let found = open(&folder);
    let read = (found.rows(), found.shape.as_slice());
    assert_eq!(read, (3 + endings.len(), [9, 12, 3].as_slice()), "{:?}", found.warnings);
    assert_eq!(found.files[0], "blue/deep/b.png");
    let class = &found.answers.columns[0];
    assert_eq!([class.get(0), class.get(1)], ["blue", "red"]);
    assert_eq!(found.x[..3], [0.0, 0.0, 200.0]);
    for red in found.x.chunks(9 * 12 * 3).skip(1) {
        assert!((red[0] - 200.0).abs() < 8.0 && red[1] < 8.0 && red[2] < 8.0, "{:?}", &red[..3]);
    }
    let [told] = &found.warnings[..] else { panic!("{:?}", found.warnings) };
    assert!(
        told.what.ends_with("1 files of a kind that is not read are left out: 1 .txt (such as red/notes.txt)"),
        "{told:?}"
    );
}

#[test]
fn grey_sixteen_bits_and_transparency_become_the_pixels_one_sees() {
    let folder = Folder::new();
    save(&folder, "a/eight.png", GrayImage::from_pixel(8, 8, Luma([100])));
    save(&folder, "a/sixteen.png", image::ImageBuffer::from_pixel(8, 8, Luma([100_u16 * 257])));
    let found = open(&folder);
    assert_eq!(found.shape, [8, 8]);
    assert!(found.x.iter().all(|&x| x == 100.0));

    save(&folder, "a/glass.png", RgbaImage::from_pixel(8, 8, Rgba([100, 0, 0, 51])));
    let found = open(&folder);
    assert_eq!(found.shape, [8, 8, 3]);
    // A fifth of the colour over white, and grey in all channels.
    assert_eq!(found.x[8 * 8 * 3..][..3], [224.0, 204.0, 204.0]);
    assert_eq!(found.x[..3], [100.0, 100.0, 100.0]);
    let grey = arrays(&folder.path(), &config::Data { channels: Some(1), ..config::Data::default() }).unwrap();
    assert_eq!(grey.shape, [8, 8]);
}

/// Left half red, right half blue, twice as wide as high.
fn halves() -> RgbImage {
    RgbImage::from_fn(64, 32, |x, _| if x < 32 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
}

#[test]
fn pictures_of_other_aspects_are_cropped_padded_or_stretched() {
    let folder = Folder::new();
    save(&folder, "a/wide.png", halves());
    let read = |fit| {
        let options = config::Data { image_size: Some(vec![16, 16]), fit: Some(fit), ..config::Data::default() };
        let found = arrays(&folder.path(), &options).unwrap();
        assert_eq!(found.shape, [16, 16, 3]);
        found.x.chunks(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect::<Vec<_>>()
    };
    let (red, blue, black) = ([255.0, 0.0, 0.0], [0.0, 0.0, 255.0], [0.0; 3]);
    for fit in [Fit::Crop, Fit::Stretch] {
        let pixels = read(fit);
        assert_eq!((pixels[0], pixels[15], pixels[255]), (red, blue, blue), "{fit:?}");
    }
    let padded = read(Fit::Pad);
    assert_eq!(
        (padded[0], padded[3 * 16], padded[4 * 16], padded[12 * 16 - 1], padded[12 * 16]),
        (black, black, red, blue, black)
    );
}

#[test]
fn a_photo_taken_sideways_is_turned_upright() {
    let folder = Folder::new();
    save(&folder, "a/photo.jpg", halves());
    let file = folder.file("a/photo.jpg");
    // EXIF orientation 6 behind the start of the image: the camera's top was to the right.
    let exif: &[u8] = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let plain = fs::read(&file).unwrap();
    let mut turned = plain[..2].to_vec();
    turned.extend([0xff, 0xe1, 0, (exif.len() + 2) as u8]);
    turned.extend(exif);
    turned.extend(&plain[2..]);
    fs::write(&file, turned).unwrap();
    let options = config::Data { image_size: Some(vec![16, 8]), ..config::Data::default() };
    let found = arrays(&folder.path(), &options).unwrap();
    let (top, bottom) = (&found.x[..3], &found.x[16 * 8 * 3 - 3..]);
    assert!(top[0] > 200.0 && top[2] < 50.0, "red is above: {top:?}");
    assert!(bottom[2] > 200.0 && bottom[0] < 50.0, "blue is below: {bottom:?}");
}

/// Enough images for a few bad ones to be tolerated.
fn many(folder: &Folder) {
    for i in 0..60 {
        save(folder, &format!("{}/{i:02}.png", ["cat", "dog"][i % 2]), colour(8, 8, [i as u8, 0, 0]));
    }
}

#[test]
fn what_cannot_be_read_is_left_out_and_named() {
    let folder = Folder::new();
    many(&folder);
    save(&folder, "cat/whole.jpg", halves());
    let whole = fs::read(folder.file("cat/whole.jpg")).unwrap();
    folder.write("cat/page.jpg", "<!doctype html><title>404</title>");
    folder.write("dog/empty.png", "");
    folder.write("dog/start.jpg", &whole[..20]);
    let png = fs::read(folder.file("cat/00.png")).unwrap();
    // A header that declares 65,535 × 65,535 pixels.
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    folder.write("dog/bomb.png", bomb);
    folder.write("dog/cut.png", &png[..png.len() - 20]);
    let options = config::Data { max_bad: Some(0.1), ..config::Data::default() };
    let found = arrays(&folder.path(), &options).unwrap();
    assert_eq!(found.rows(), 61);
    let warning = &found.warnings[0].what;
    assert!(warning.contains("5 of 66 files are left out"), "{warning}");
    for (file, reason) in [("cat/page.jpg", "an HTML page"), ("dog/empty.png", "the file is empty")] {
        assert!(warning.contains(&format!("{file} ({reason}")), "{warning}");
    }
    assert!(warning.contains("dog/bomb.png") && warning.contains("dog/start.jpg") && warning.contains("dog/cut.png"));

    let error = arrays(&folder.path(), &config::Data::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("of 66 files cannot be read") && error.contains("--max-bad (now 0.01)"), "{error}");
}

/// CRC-32 as used in PNG.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(unix)]
#[test]
fn pipes_and_circles_of_links_are_passed_by() {
    let folder = Folder::new();
    many(&folder);
    std::os::unix::fs::symlink(folder.0.path(), folder.0.path().join("cat/again")).unwrap();
    std::os::unix::fs::symlink(folder.file("cat/00.png"), folder.0.path().join("dog/linked.png")).unwrap();
    let pipe = folder.file("dog/pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let found = open(&folder);
    assert_eq!(found.rows(), 61, "the sixty, and a linked file");
    assert!(found.warnings[0].what.contains("pipe.png (no regular file)"), "{:?}", found.warnings);
}

fn load(folder: &Folder) -> Dataset {
    let mut config = Config::default();
    config.data.path = folder.path();
    data::load(&config).unwrap()
}

#[test]
fn parts_are_taken_from_folders_named_for_them() {
    let folder = Folder::new();
    for (part, n) in [("train", 12), ("validation", 4), ("Test", 6)] {
        for i in 0..n {
            save(
                &folder,
                &format!("{part}/{}/{i}.png", ["cat", "dog"][i % 2]),
                colour(8 + i as u32, 8, [i as u8, 0, 0]),
            );
        }
    }
    let data = load(&folder);
    assert_eq!((data.parts.train.rows, data.parts.dev.rows, data.parts.test.rows), (12, 4, 6));
    assert_eq!(data.target.classes, ["cat", "dog"]);
    assert_eq!(data.parts.test.place(0), "cat/0.png");
    assert!(data.decisions.iter().any(|decision| decision.what.starts_with("the dev part is")));
    // All splits have the form of the training images.
    assert_eq!(data.parts.test.columns, 8 * 8 * 3);
}

#[test]
fn pictures_without_classes_have_no_answers() {
    let folder = Folder::new();
    save(&folder, "a.png", colour(8, 8, [1, 2, 3]));
    save(&folder, "b.png", colour(8, 8, [1, 2, 3]));
    assert!(open(&folder).answers.columns.is_empty());
    let mut config = Config::default();
    config.data.path = folder.path();
    let error = data::load(&config).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("have no answers"), "{error}");
    let alone = arrays(&folder.file("a.png").display().to_string(), &config::Data::default()).unwrap();
    assert_eq!((alone.rows(), alone.files[0].as_str()), (1, "a.png"));
    assert!(
        source::open(&Path::new(&folder.path()).join("none").display().to_string(), &config::Data::default()).is_err()
    );
}

#[test]
fn a_look_at_pictures_tells_their_classes() {
    let folder = Folder::new();
    many(&folder);
    let mut config = Config::default();
    config.data.path = folder.path();
    let profile = inspect::profile(&config).unwrap();
    assert!(profile.name.ends_with("(examples of 8×8×3 numbers)"), "{}", profile.name);
    assert_eq!((profile.rows, profile.problem), (60, None));
    assert_eq!(profile.classes, [("cat".to_string(), 30), ("dog".to_string(), 30)]);
}

#[test]
fn a_table_whose_first_letters_are_a_picture_s_stays_a_table() {
    let folder = Folder::new();
    let file = folder.file("people.csv");
    fs::write(&file, "BMI,age,sick\n21,40,no\n30,50,yes\n").unwrap();
    let opened = source::open(&file.display().to_string(), &config::Data::default()).unwrap();
    assert!(matches!(opened, Source::Table(_)));
}

#[test]
fn any_format_at_any_cut_is_read_or_refused() {
    let folder = Folder::new();
    many(&folder);
    let formats =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff];
    for format in formats {
        let ending = format.extensions_str()[0];
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::from(halves()).write_to(&mut bytes, format).unwrap();
        let bytes = bytes.into_inner();
        for cut in (0..bytes.len()).step_by((bytes.len() / 40).max(1)) {
            let mut damaged = bytes.clone();
            damaged[cut] ^= 0x55;
            folder.write(&format!("cat/flipped.{ending}"), damaged);
            folder.write(&format!("dog/cut.{ending}"), &bytes[..cut]);
            let options = config::Data { max_bad: Some(0.5), image_size: Some(vec![8, 8]), ..config::Data::default() };
            assert!(arrays(&folder.path(), &options).unwrap().rows() >= 60, "{format:?} at {cut}");
        }
        fs::remove_file(folder.file(&format!("cat/flipped.{ending}"))).unwrap();
        fs::remove_file(folder.file(&format!("dog/cut.{ending}"))).unwrap();
    }
}

#[test]
fn four_inks_palettes_and_progressive_pictures_are_read() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    for name in ["cmyk.jpg", "palette.png", "palette.gif", "palette.bmp", "progressive.jpg"] {
        let found = arrays(&files.join(name).display().to_string(), &config::Data::default()).unwrap();
        assert_eq!(found.shape, [16, 32, 3], "{name}");
        let (left, right) = (&found.x[..3], &found.x[found.x.len() - 3..]);
        // A screen's red and blue differ from those of ink.
        assert!(left[0] > 200.0 && left[2] < 60.0, "{name}: {left:?}");
        assert!(right[2] > 200.0 && right[0] < 60.0, "{name}: {right:?}");
    }
}

fn refused(folder: &Folder, options: &config::Data) -> String {
    arrays(&folder.path(), options).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_class_of_files_that_are_not_read_is_an_error_that_names_it() {
    for (part, kind) in [("", "heic"), ("", "HEIC"), ("train/", "avif"), ("", "jxl"), ("", "wav"), ("", "txt")] {
        let folder = Folder::new();
        for i in 0..4 {
            save(&folder, &format!("{part}cat/{i}.png"), colour(8, 8, [i, 0, 0]));
            save(&folder, &format!("{part}dog/{i}.png"), colour(8, 8, [i, 0, 9]));
            folder.write(&format!("{part}fox/IMG_{i}.{kind}"), "of another kind");
        }
        let told = refused(&folder, &config::Data::default());
        let counted = format!("4 .{} (such as {part}fox/IMG_0.{kind})", kind.to_lowercase());
        for expected in ["class \"fox\"", &counted, "convert them to JPEG or PNG", "--classes"] {
            assert!(told.contains(expected), "{expected:?} in {told}");
        }
        let two = config::Data { classes: vec!["cat".into(), "dog".into()], ..config::Data::default() };
        let found = arrays(&folder.path(), &two).unwrap();
        assert!(found.rows() == 8 && found.warnings[0].what.contains(&counted), "{:?}", found.warnings);
    }
    // If all files are of such a format, none is read.
    let folder = Folder::new();
    folder.write("cat/a.HEIC", "of another kind");
    folder.write("dog/b.heic", "of another kind");
    let told = refused(&folder, &config::Data::default());
    assert!(told.contains("no file is of a kind that is read: 2 .heic") && told.contains("convert them"), "{told}");
}

#[test]
fn whatever_else_is_in_a_folder_is_told() {
    let folder = Folder::new();
    many(&folder);
    for name in ["Thumbs.db", "cat/desktop.ini", "cat/.DS_Store", "dog/._00.png", "__MACOSX/cat/00.png"] {
        folder.write(name, "of no matter");
    }
    assert!(open(&folder).warnings.is_empty(), "{:?}", open(&folder).warnings);
    for name in ["cat/a.heic", "cat/b.heic", "dog/c.HEIC", "dog/song.wav", "readme.md", "dog/LICENSE"] {
        folder.write(name, "of another kind");
    }
    save(&folder, "_drafts/a.png", colour(8, 8, [1, 2, 3]));
    save(&folder, "Dog/a.png", colour(8, 8, [1, 2, 3]));
    save(&folder, "loose.png", colour(8, 8, [1, 2, 3]));
    fs::create_dir(folder.0.path().join("fox")).unwrap();
    let found = open(&folder);
    assert_eq!(found.rows(), 61);
    let told = found.warnings.iter().map(|warning| &*warning.what).collect::<Vec<_>>().join("\n");
    for expected in [
        "6 files of a kind that is not read are left out: 3 .heic, 1 .md, 1 .wav, 1 without an ending (such as",
        "folders without a file are no classes: \"fox\"",
        "\"_drafts\" is taken as no class, for its name begins with an underscore: 1 files are left out; rename",
        "\"Dog\" and \"dog\" differ only in case",
        "loose.png (in no class's folder)",
    ] {
        assert!(told.contains(expected), "{expected:?} in {told}");
    }
}

#[cfg(unix)]
#[test]
fn linked_folders_within_classes_are_told() {
    let folder = Folder::new();
    many(&folder);
    std::os::unix::fs::symlink(folder.0.path(), folder.0.path().join("cat/again")).unwrap();
    let found = open(&folder);
    assert_eq!(found.rows(), 60);
    assert!(found.warnings[0].what.contains("not looked into: 1 (such as cat/again)"), "{:?}", found.warnings);
}

#[test]
fn a_class_whose_files_are_all_damaged_is_an_error() {
    let folder = Folder::new();
    many(&folder);
    folder.write("fox/a.png", "no picture");
    let told = refused(&folder, &config::Data { max_bad: Some(0.5), ..config::Data::default() });
    assert!(told.contains("no file of class \"fox\" can be read: fox/a.png"), "{told}");
}

#[test]
fn what_stands_above_a_list_s_rows_is_told() {
    let folder = Folder::new();
    many(&folder);
    folder.write("list.csv", "# of spring\nfile;label\ncat/00.png;a\ndog/01.png;b\n");
    let found = arrays(&folder.file("list.csv").display().to_string(), &config::Data::default()).unwrap();
    let told: Vec<&str> = found.decisions.iter().map(|decision| &*decision.what).collect();
    assert!(told.iter().any(|what| what.contains("left out: 1")), "{told:?}");
    assert!(told.iter().any(|what| what.contains("names the files")), "{told:?}");
}

#[test]
fn a_list_may_begin_with_a_file_that_is_not_read() {
    let folder = Folder::new();
    many(&folder);
    let listed = |first: &str| {
        folder.write("list.csv", format!("file,label\n{first},a\ncat/00.png,a\ndog/01.png,b\ncat/02.png,a\n"));
        let options = config::Data { max_bad: Some(0.5), ..config::Data::default() };
        arrays(&folder.file("list.csv").display().to_string(), &options).unwrap()
    };
    for first in ["cat/x.heic", "x.wav", "notes"] {
        let found = listed(first);
        assert_eq!(found.rows(), 3, "{first}");
        assert!(found.warnings[0].what.contains(first), "{:?}", found.warnings);
    }
    folder.write("list.csv", "file,label\na.heic,a\nb.heic,b\n");
    let told = arrays(&folder.file("list.csv").display().to_string(), &config::Data::default());
    let told = told.map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("a.heic") && told.contains("convert"), "{told}");
}
