use super::*;
use crate::data::schema::Task;
use crate::data::table::Table;

fn table(csv: &str) -> Table {
    crate::data::table_of(csv)
}

fn infer(csv: &str, edit: impl FnOnce(&mut config::Data)) -> Result<(Schema, Vec<Decision>)> {
    infer_in_edition(2, csv, edit)
}

fn infer_in_edition(edition: u8, csv: &str, edit: impl FnOnce(&mut config::Data)) -> Result<(Schema, Vec<Decision>)> {
    infer_with(csv, |config| {
        config.train.edition = edition;
        edit(&mut config.data);
    })
}

fn infer_with(csv: &str, edit: impl FnOnce(&mut Config)) -> Result<(Schema, Vec<Decision>)> {
    let mut config = Config::default();
    edit(&mut config);
    Schema::infer(&table(csv), &config)
}

/// A header and 40 rows, each generated from its index.
fn rows(header: &str, row: impl Fn(usize) -> String) -> String {
    let mut csv = header.to_string();
    (1..=40).for_each(|i| csv.push_str(&format!("\n{}", row(i))));
    csv
}

fn role(schema: &Schema, name: &str) -> Role {
    schema.columns.iter().find(|column| column.name == name).unwrap().role
}

#[test]
fn ids_and_text_are_left_out_with_a_notice() {
    let csv = rows("PassengerId,row,name,town,age,target", |i| {
        format!("{},{i},Mr. {i},{},{}.5,{}", 900 + i * 7, ["a", "b"][i % 2], i % 9, i % 2)
    });
    let (schema, decisions) = infer(&csv, |_| ()).unwrap();
    let roles = ["PassengerId", "row", "name", "town", "age", "target"].map(|name| role(&schema, name));
    assert_eq!(roles, [Role::Id, Role::Id, Role::Ignored, Role::Feature, Role::Feature, Role::Target]);
    assert!(decisions.iter().any(|d| d.what == "left out as free text: name"), "{decisions:?}");
    let (schema, _) = infer(&csv, |data| data.keep = vec!["name".into(), "row".into()]).unwrap();
    assert_eq!([role(&schema, "row"), role(&schema, "name")], [Role::Feature; 2]);
}

/// A table of houses as it is often given: numbers of houses and of rows, a constant, and a column of remarks.
fn houses() -> String {
    let remark = |i: usize| {
        if i.is_multiple_of(3) { format!("the roof leaks a little see {i}") } else { "fine".into() }
    };
    let row = |i: usize| format!("\n{},{},m2,{},{},{i}.5", 5261 * i % 9973, 7 + i, remark(i), i % 7);
    (1..=120).fold("PID,Order,units,comment,size,price".into(), |csv, i| csv + &row(i))
}

#[test]
fn ids_constants_and_comments_are_left_out_with_their_reasons() {
    let (schema, decisions) = infer(&houses(), |_| ()).unwrap();
    let roles = ["PID", "Order", "units", "comment", "size"].map(|name| role(&schema, name));
    assert_eq!(roles, [Role::Id, Role::Id, Role::Ignored, Role::Feature, Role::Feature]);
    for (what, why) in [
        ("left out of the inputs, kept in predictions: PID, Order", "named like an id"),
        ("left out as constant: units", "one value in every row"),
        ("taken as free text: comment", "several words, hardly any twice"),
    ] {
        assert!(decisions.iter().any(|d| d.what == what && d.why == why), "{what}: {decisions:?}");
    }
    let all = ["PID", "Order", "units", "comment"].map(String::from);
    let (schema, _) = infer(&houses(), |data| data.keep = all.to_vec()).unwrap();
    assert!(all.iter().all(|name| role(&schema, name) == Role::Feature));
    let kind = |schema: &Schema| schema.columns.iter().find(|column| column.name == "comment").unwrap().kind;
    assert_eq!(kind(&schema), ColumnKind::Text);
    let without = |config: &mut Config| config.preprocess.text = Some(TextEncoding::Off);
    let (schema, decisions) = infer_with(&houses(), without).unwrap();
    assert_eq!(role(&schema, "comment"), Role::Ignored);
    assert!(decisions.iter().any(|d| d.what == "left out as free text: comment"), "{decisions:?}");
    // Those that are kept nevertheless are categories.
    let kept = |config: &mut Config| {
        without(config);
        config.data.keep = vec!["comment".into()];
    };
    assert_eq!(kind(&infer_with(&houses(), kept).unwrap().0), ColumnKind::Categorical);
}

#[test]
fn the_first_edition_takes_them_as_inputs() {
    let (schema, _) = infer_in_edition(1, &houses(), |_| ()).unwrap();
    let roles = ["PID", "Order", "units", "comment"].map(|name| role(&schema, name));
    assert_eq!(roles, [Role::Feature; 4]);
}

#[test]
fn a_known_scale_has_its_order() {
    let csv = rows("size,age,town,y", |i| {
        let (size, age) = (["Small", "large", "medium"][i % 3], ["18-24", "25-64", "65+", "<18"][i % 4]);
        format!("{size},{age},{},{i}.5", ["a", "b", "c"][i % 3])
    });
    let column = |schema: &Schema, i: usize| (schema.columns[i].kind, schema.columns[i].order.clone());
    let ordered = |levels: &[&str]| (ColumnKind::Ordered, levels.iter().map(|level| level.to_string()).collect());
    let (schema, decisions) = infer(&csv, |_| ()).unwrap();
    assert_eq!(column(&schema, 0), ordered(&["Small", "medium", "large"]));
    assert_eq!(column(&schema, 1), ordered(&["<18", "18-24", "25-64", "65+"]));
    assert_eq!(column(&schema, 2), (ColumnKind::Categorical, Vec::new()));
    let told = "categories in an order: size (Small < medium < large), age (<18 < 18-24 < 25-64 < 65+)";
    assert!(decisions.iter().any(|d| d.what == told && d.flag().starts_with("--kinds NAME=categorical")));

    let categorical = (ColumnKind::Categorical, Vec::new());
    let of_kind = |name: &str, kind| infer(&csv, |data| data.kinds = [(name.to_string(), kind)].into());
    let (schema, _) = of_kind("size", ColumnKind::Categorical).unwrap();
    assert_eq!(column(&schema, 0), categorical);
    let (schema, _) = infer_in_edition(1, &csv, |_| ()).unwrap();
    assert_eq!([0, 1].map(|i| column(&schema, i)), [categorical.clone(), categorical]);
}

#[test]
fn an_order_is_what_the_user_says() {
    let csv = rows("town,size,y", |i| format!("{},{},{i}.5", ["a", "b", "c"][i % 3], ["big", "small"][i % 2]));
    let order = |data: &mut config::Data, name: &str, order: &str| {
        data.order.insert(name.into(), order.to_string().into());
    };
    for edition in [1, 2] {
        let (schema, _) = infer_in_edition(edition, &csv, |data| order(data, "town", "c<a<b")).unwrap();
        assert_eq!((schema.columns[0].kind, &schema.columns[0].order.join("<")[..]), (ColumnKind::Ordered, "c<a<b"));
    }
    let unknown = infer(&csv, |data| data.kinds = [("town".into(), ColumnKind::Ordered)].into()).unwrap_err();
    assert!(unknown.to_string().contains("the order of its 3 values is not known"), "{unknown}");
    assert!(unknown.remedy.unwrap().to_string().contains("--order 'town=LOW<MEDIUM<HIGH'"));
    let short = infer(&csv, |data| order(data, "town", "c<a")).unwrap_err();
    assert!(short.to_string().contains("column \"town\": the order has no \"b\", found in"), "{short}");
    let other = infer(&csv, |data| order(data, "twon", "a<b")).unwrap_err();
    assert!(other.to_string().starts_with("--order: no column is called \"twon\" (did you mean \"town\"?)"), "{other}");
    let target = infer(&csv, |data| order(data, "y", "a<b")).unwrap_err();
    assert!(target.to_string().contains("\"y\" is not an input"), "{target}");
}

#[test]
fn numbers_of_orders_that_come_again_are_inputs() {
    let csv = rows("order,number,answer,y", |i| format!("{},{}.5,,{}", i / 2, i, i % 2));
    let (schema, _) = infer(&csv, |_| ()).unwrap();
    assert_eq!(["order", "number"].map(|name| role(&schema, name)), [Role::Feature; 2]);
}

#[test]
fn constants_are_inputs_where_nothing_else_is() {
    let (schema, decisions) = infer(&rows("id,one,y", |i| format!("{i},1,{}.5", 3 * i)), |_| ()).unwrap();
    assert_eq!((role(&schema, "id"), role(&schema, "one")), (Role::Id, Role::Feature));
    assert!(!decisions.iter().any(|d| d.what.contains("constant")), "{decisions:?}");
}

#[test]
fn a_lone_column_that_counts_is_still_an_input() {
    let (schema, _) = infer(&rows("size,price", |i| format!("{i},{}.5", 3 * i)), |_| ()).unwrap();
    assert_eq!((role(&schema, "size"), schema.task), (Role::Feature, Task::Regression));
}

#[test]
fn names_like_an_id() {
    for name in
        ["id", "ID", "customer_id", "PassengerId", "userID", "index", "Unnamed: 0", "unnamed: 0", "Unnamed: 0.1"]
    {
        assert!(is_named_like_an_id(name), "{name}");
    }
    for name in ["acid", "paid", "humidity", "HUMID", "idle", "Android"] {
        assert!(!is_named_like_an_id(name), "{name}");
    }
}

#[test]
fn an_unnamed_index_that_begins_again_stays_one() {
    let csv = rows("Unnamed: 0,Unnamed: 0.1,x,y", |i| format!("{},{},{}.5,{}", i % 10, i / 20, i % 7, i % 2));
    let (schema, decisions) = infer(&csv, |_| ()).unwrap();
    assert_eq!(
        ["Unnamed: 0", "Unnamed: 0.1", "x"].map(|name| role(&schema, name)),
        [Role::Id, Role::Id, Role::Feature]
    );
    assert!(decisions.iter().any(|d| d.what.ends_with("predictions: Unnamed: 0, Unnamed: 0.1")), "{decisions:?}");
    let (schema, _) = infer(&csv, |data| data.keep = vec!["Unnamed: 0".into()]).unwrap();
    assert_eq!(role(&schema, "Unnamed: 0"), Role::Feature);
}

#[test]
fn the_target_decides_the_task() {
    let task = |cell: fn(usize) -> String| {
        infer(&rows("x,t", |i| format!("{}.25,{}", i * i, cell(i))), |_| ()).unwrap().0.task
    };
    assert_eq!(task(|i| format!("{}.5", i * 3)), Task::Regression);
    assert_eq!(task(|i| format!("{}", i * 3)), Task::Regression);
    assert_eq!(task(|i| format!("{}", i % 2)), Task::Binary);
    assert_eq!(task(|i| ["<=50K", ">50K"][i % 2].into()), Task::Binary);
    assert_eq!(task(|i| format!("{}", i % 4)), Task::Multiclass);
    assert_eq!(task(|i| ["a", "b", "c"][i % 3].into()), Task::Multiclass);
    assert_eq!(task(|i| ["a;b", "b", "c"][i % 3].into()), Task::Multiclass);
}

#[test]
fn ordered_scores_are_numbers_unless_asked() {
    let csv = rows("x,quality", |i| format!("{}.25,{}", i * i, 3 + i % 4));
    let (schema, decisions) = infer(&csv, |_| ()).unwrap();
    assert_eq!(schema.task, Task::Regression);
    assert!(decisions.iter().any(|d| d.flag() == "--task multiclass"), "{decisions:?}");
    let (schema, _) = infer(&csv, |data| data.task = Some(Task::Multiclass)).unwrap();
    assert_eq!(schema.task, Task::Multiclass);
}

#[test]
fn several_targets_and_several_labels() {
    let csv =
        rows("x,a,b,c,tags", |i| format!("{}.5,{},{},{}.5,{}", i, i % 2, i % 3 % 2, i * 2, ["p;q", "q", ""][i % 3]));
    let targets = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(infer(&csv, |data| data.target = targets(&["a", "b"])).unwrap().0.task, Task::Multilabel);
    assert_eq!(infer(&csv, |data| data.target = targets(&["a", "c"])).unwrap().0.task, Task::Regression);
    let (schema, _) = infer(&csv, |data| {
        data.target = targets(&["tags"]);
        data.task = Some(Task::Multilabel);
    })
    .unwrap();
    assert_eq!(schema.separator, Some(';'));
}

#[test]
fn impossible_tasks_say_why() {
    let csv = rows("x,t", |i| format!("{}.5,{}", i, ["a", "b", "c"][i % 3]));
    for (task, needed) in [(Task::Regression, "must be numbers"), (Task::Binary, "two values")] {
        let error = infer(&csv, |data| data.task = Some(task)).unwrap_err();
        assert!(error.message.contains(needed), "{error}");
        assert!(error.remedy.unwrap().to_string().contains("--task multiclass"));
    }
    let error = infer(&rows("x,t", |i| format!("{i}.5,7")), |_| ()).unwrap_err();
    assert!(error.message.contains("one value only"), "{error}");
    let error = infer(&rows("x,t", |i| format!("{i}.5,")), |_| ()).unwrap_err();
    assert!(error.message.contains("missing in every row"), "{error}");
}

#[test]
fn a_wrong_name_gets_the_nearest_one() {
    let error = infer("size,price\n1,2\n2,3", |data| data.target = vec!["prise".into()]).unwrap_err();
    assert_eq!(error.kind, crate::ErrorKind::Config);
    assert!(error.to_string().contains("did you mean \"price\""), "{error}");
}

#[test]
fn overrides_win() {
    let csv = rows("zip,note,when,t", |i| format!("{},n{i},0{}/0{}/2024,{i}.5", i % 5, 1 + i % 9, 1 + i % 7));
    let (schema, decisions) = infer(&csv, |data| {
        data.kinds.insert("zip".into(), ColumnKind::Categorical);
        data.id = vec!["note".into()];
    })
    .unwrap();
    assert_eq!((schema.columns[0].kind, role(&schema, "note")), (ColumnKind::Categorical, Role::Id));
    assert_eq!(schema.columns[2].format.as_deref(), Some("%m/%d/%Y"));
    assert!(decisions.iter().any(|d| d.what.contains("month first: when")), "{decisions:?}");
}
