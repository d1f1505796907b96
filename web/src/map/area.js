// What is drawn around.

const CORNERS = 60; // of an area, at most

/** Leave out corners that hardly matter (D. Douglas and T. Peucker, 1973), until few enough are left. */
export function fewer(line) {
  for (let most = 1; ; most *= 1.6) {
    const kept = without(line, most);
    if (kept.length <= CORNERS) return kept;
  }
}

function without(line, most) {
  if (line.length < 3) return line;
  const [begin, end] = [line[0], line.at(-1)];
  const length = Math.hypot(end[0] - begin[0], end[1] - begin[1]);
  let far = 0;
  let place = 0;
  for (let n = 1; n < line.length - 1; n++) {
    const [x, y] = [line[n][0] - begin[0], line[n][1] - begin[1]];
    const away = length ? Math.abs(x * (end[1] - begin[1]) - y * (end[0] - begin[0])) / length : Math.hypot(x, y);
    if (away > far) [far, place] = [away, n];
  }
  if (far <= most) return [begin, end];
  return [...without(line.slice(0, place + 1), most).slice(0, -1), ...without(line.slice(place), most)];
}

/** Tell which points lie in an area, which may cross itself. */
export function inside(area, x, y) {
  const found = new Uint8Array(x.length);
  for (let n = 0; n < x.length; n++) {
    let is = false;
    for (let k = 0, before = area.length - 1; k < area.length; before = k++) {
      const [x1, y1] = area[k];
      const [x2, y2] = area[before];
      if (y1 > y[n] !== y2 > y[n] && x[n] < ((x2 - x1) * (y[n] - y1)) / (y2 - y1) + x1) is = !is;
    }
    found[n] = is ? 1 : 0;
  }
  return found;
}
