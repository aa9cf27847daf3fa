// The network: units with pictures of their activations over the plane, and edges by their weights.

import { useEffect, useRef, useState } from "preact/hooks";

import { number } from "../format.ts";
import { Button, Icon } from "../parts/ui.tsx";
import type { Begun, PlayLayer, Snapshot } from "./api.ts";
import { paint, signedColours, unpack, useCanvas } from "./canvas.ts";
import { words } from "./controls.tsx";

const NODE = 38;
const GAP = 50;
/** From one layer to the next, where there is room, and where there is not. */
const COLUMN = [74, 116] as const;
/** Room for the names of inputs, and beside the output. */
const SIDES = [30, 30] as const;
/** Room above the units, for what a layer is. */
const HEAD = 66;

interface DiagramProps {
  begun: Begun;
  now: Snapshot;
  layers: number[];
  limits: { layers: number; units: number };
  change: (layers: number[]) => void;
}

/** A unit, or the weight between two, that is told about. */
type Told = { layer: number; unit: number; from?: number } | null;

export function Diagram({ begun, now, layers, limits, change }: DiagramProps) {
  const [told, tell] = useState<Told>(null);
  const sizes = [2, ...now.layers.map((layer) => layer.units.length)];
  const most = Math.max(...sizes);
  const height = HEAD + most * GAP;
  const gaps = sizes.length - 1;
  const [room, setRoom] = useState(Infinity);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const watch = new ResizeObserver(() => setRoom(box.current?.clientWidth ?? Infinity));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const step = Math.max(COLUMN[0], Math.min(COLUMN[1], Math.floor((room - NODE - SIDES[0] - SIDES[1]) / gaps)));
  const width = gaps * step + NODE + SIDES[0] + SIDES[1];
  const x = (column: number) => SIDES[0] + column * step;
  const y = (column: number, unit: number) => HEAD + (most * GAP - sizes[column]! * GAP) / 2 + unit * GAP + (GAP - NODE) / 2;
  const largest = Math.max(1e-9, ...now.layers.flatMap((layer) => layer.weights.map((w) => Math.abs(w ?? 0))));
  const resize = (at: number, units: number) => change(layers.map((old, i) => (i === at ? units : old)));
  const edges = now.layers.flatMap((layer, l) =>
    layer.units.flatMap((_, unit) =>
      Array.from({ length: layer.inputs }, (_, from) => {
        const w = layer.weights[unit * layer.inputs + from] ?? 0;
        const [x1, y1, x2, y2] = [x(l) + NODE, y(l, from) + NODE / 2, x(l + 1), y(l + 1, unit) + NODE / 2];
        const path = `M${x1} ${y1}C${x1 + 40} ${y1} ${x2 - 40} ${y2} ${x2} ${y2}`;
        const lit = told !== null && told.layer === l && told.unit === unit && (told.from === undefined || told.from === from);
        return { key: `${l} ${unit} ${from}`, path, w, lit, l, unit, from };
      }),
    ),
  );
  return (
    <>
      <div ref={box} class="network-scroll" tabIndex={0} role="region" aria-label="The network">
        <div class="network" style={{ width: `${width}px`, height: `${height}px` }}>
          <svg width={width} height={height} aria-hidden="true">
            {edges.map(({ key, path, w, lit, l, unit, from }) => (
              <g key={key} onPointerEnter={() => tell({ layer: l, unit, from })}>
                <path class={`edge ${w < 0 ? "minus" : ""} ${lit ? "lit" : ""}`} d={path} style={{ strokeWidth: 0.6 + (4.4 * Math.abs(w)) / largest, opacity: lit ? 1 : 0.25 + (0.6 * Math.abs(w)) / largest }} />
                <path class="hit" d={path} />
              </g>
            ))}
          </svg>
          {sizes.map((units, column) => (
            <div key={column} class="layer-head" style={{ left: `${x(column) + NODE / 2}px`, width: `${step - 1}px` }}>
              <Head column={column} units={units} last={column === sizes.length - 1} limits={limits} layer={now.layers[column - 1]} resize={(units) => resize(column - 1, units)} />
            </div>
          ))}
          {begun.axes.map((axis, i) => (
            <InputNode key={axis.name} name={axis.name} across={i === 0} left={x(0)} top={y(0, i)} />
          ))}
          {now.layers.map((layer, l) =>
            layer.units.map((unit, i) => (
              <button
                key={`${l} ${i}`}
                type="button"
                class="unit"
                style={{ left: `${x(l + 1)}px`, top: `${y(l + 1, i)}px` }}
                aria-label={describe(begun, now, { layer: l, unit: i })}
                aria-pressed={told !== null && told.layer === l && told.unit === i && told.from === undefined}
                onClick={() => tell({ layer: l, unit: i })}
                onPointerEnter={() => tell({ layer: l, unit: i })}
                onFocus={() => tell({ layer: l, unit: i })}
              >
                <UnitPicture map={unit.map} side={begun.side.unit} />
              </button>
            )),
          )}
        </div>
      </div>
      <p class="network-told" aria-live="off">
        {told && now.layers[told.layer]?.units[told.unit] ? describe(begun, now, told) : "Point at a unit or a line for its numbers. Blue is positive, orange (dashed) negative."}
      </p>
      <div class="buttons">
        <Button disabled={layers.length >= limits.layers} onClick={() => change([...layers, Math.min(limits.units, layers.at(-1) ?? 4)])}>
          Add a layer
        </Button>
        <Button disabled={layers.length === 0} onClick={() => change(layers.slice(0, -1))}>
          Remove a layer
        </Button>
      </div>
    </>
  );
}

function Head(props: { column: number; units: number; last: boolean; limits: { units: number }; layer: PlayLayer | undefined; resize: (units: number) => void }) {
  const { column, units, last, limits, layer, resize } = props;
  if (column === 0) return <b>Input</b>;
  if (last) {
    return (
      <>
        <b>Output</b>
        <small>{layer && words(layer.activation)}</small>
      </>
    );
  }
  return (
    <>
      <b>Layer {column}</b>
      <small>{layer && words(layer.activation)}</small>
      <span class="units">
        <button type="button" aria-label={`One unit less in layer ${column}`} disabled={units <= 1} onClick={() => resize(units - 1)}>
          −
        </button>
        <span>{units}</span>
        <button type="button" aria-label={`One unit more in layer ${column}`} disabled={units >= limits.units} onClick={() => resize(units + 1)}>
          +
        </button>
      </span>
    </>
  );
}

function UnitPicture({ map, side }: { map: string; side: number }) {
  const canvas = useCanvas(
    (canvas) => {
      const values = unpack(map, 2);
      const signed = signedColours();
      paint(canvas, side, (i) => signed(2 * values[i]! - 1));
    },
    [map],
  );
  return <canvas ref={canvas} />;
}

/** An input is itself everywhere: a slope across, or upwards. */
function InputNode({ name, across, left, top }: { name: string; across: boolean; left: number; top: number }) {
  const side = 12;
  const canvas = useCanvas((canvas) => {
    const signed = signedColours();
    paint(canvas, side, (i) => signed((2 * (across ? i % side : side - 1 - Math.floor(i / side))) / (side - 1) - 1));
  }, [across]);
  return (
    <span class="unit input" style={{ left: `${left}px`, top: `${top}px` }} title={name}>
      <canvas ref={canvas} />
      <small>{name}</small>
    </span>
  );
}

function describe(begun: Begun, now: Snapshot, { layer: l, unit, from }: NonNullable<Told>): string {
  const layer = now.layers[l]!;
  const last = l === now.layers.length - 1;
  const name = last ? (layer.units.length > 1 ? `the output for ${begun.classes[unit] ?? unit}` : "the output") : `unit ${unit + 1} of layer ${l + 1}`;
  const source = (i: number) => (l === 0 ? begun.axes[i]!.name : `unit ${i + 1}`);
  const w = (i: number) => number(layer.weights[unit * layer.inputs + i], 3);
  if (from !== undefined) return `Weight from ${source(from)} to ${name}: ${w(from)}`;
  const bias = layer.bias?.[unit];
  const more = layer.gamma ? `, γ ${number(layer.gamma[unit], 3)}, β ${number(bias, 3)}` : `, b ${number(bias, 3)}`;
  const weights = Array.from({ length: layer.inputs }, (_, i) => `${source(i)} ${w(i)}`).join(", ");
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${weights}${more}`;
}

/** All parameters as a table, for those who read numbers. */
export function Weights({ begun, now }: { begun: Begun; now: Snapshot }) {
  return (
    <details class="weights">
      <summary>
        <Icon name="down" /> All weights and biases
      </summary>
      {now.layers.map((layer, l) => (
        <div key={l} class="scroll" tabIndex={0} role="region" aria-label={`Weights of layer ${l + 1}`}>
          <table>
            <caption>{l === now.layers.length - 1 ? "Output" : `Layer ${l + 1}`}</caption>
            <thead>
              <tr>
                <th>Unit</th>
                {Array.from({ length: layer.inputs }, (_, i) => (
                  <th key={i} class="r">
                    {l === 0 ? begun.axes[i]!.name : `unit ${i + 1}`}
                  </th>
                ))}
                {layer.gamma && <th class="r">γ</th>}
                {layer.bias && <th class="r">{layer.gamma ? "β" : "b"}</th>}
              </tr>
            </thead>
            <tbody>
              {layer.units.map((_, unit) => (
                <tr key={unit}>
                  <td>{unit + 1}</td>
                  {Array.from({ length: layer.inputs }, (_, i) => (
                    <td key={i} class="r">
                      {number(layer.weights[unit * layer.inputs + i], 3)}
                    </td>
                  ))}
                  {layer.gamma && <td class="r">{number(layer.gamma[unit], 3)}</td>}
                  {layer.bias && <td class="r">{number(layer.bias[unit], 3)}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
    </details>
  );
}
