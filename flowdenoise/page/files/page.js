'use strict';
// The page: what is dropped, seen and asked for. The server holds the pictures; this tab knows them
// by keys that no other tab has.

const $ = (id) => document.getElementById(id);
const base = location.pathname;
const pictures = [];          // of this tab, in the order in which they were dropped
let current = null;           // the picture on the stage
let settings = null;          // what the server offers: sliders, limits
let stopping = null;          // aborts the work on whole results

// ---- asking the server -------------------------------------------------------------------------

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(base + path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('the server does not answer: was it ended?');
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Error(told.error || `the server says ${answer.status}`);
}

const query = (values) => new URLSearchParams(values).toString();

function removal() {
  const values = {};
  for (const slider of settings.sliders) values[slider.name] = slider.input.value;
  return { ...values, ...kindOfNoise() };
}

function kindOfNoise() {
  const kind = $('kind').value;
  return kind === 'level' ? { sigma: $('level').value / 255 } : { noise: kind };
}

// ---- notices -----------------------------------------------------------------------------------

function notice(text, note = false) {
  const line = document.createElement('p');
  line.textContent = text;
  line.className = note ? 'note' : '';
  const close = document.createElement('button');
  close.textContent = '×';
  close.setAttribute('aria-label', 'Close');
  close.onclick = () => line.remove();
  line.append(close);
  $('notices').append(line);
  while ($('notices').children.length > 4) $('notices').firstChild.remove();
  if (note) setTimeout(() => line.remove(), 8000);
}

// ---- pictures come in --------------------------------------------------------------------------

function isPicture(name) {
  const ending = name.slice(name.lastIndexOf('.')).toLowerCase();
  return settings.suffixes.includes(ending) && !name.startsWith('.');
}

/** Take files, each with the path it was dropped with; in a folder only pictures count. */
async function take(files) {
  const wanted = files.filter(({ file, path }) => !path.includes('/') || isPicture(file.name));
  if (files.length && !wanted.length) notice('there are no pictures in this folder');
  for (const { file, path } of wanted) {
    if (file.size > settings.most_bytes) {
      const most = Math.round(settings.most_bytes / 1e6);
      notice(`${file.name}: the file is larger than ${most} MB, the most that the page takes`);
      continue;
    }
    const picture = { file, path, state: '' };
    pictures.push(picture);
    showStrip();
    if (!current) await open(picture); else thumbnailSoon(picture);
  }
}

/** Send a picture to the server, once. */
function send(picture) {
  picture.sent ??= (async () => {
    const answer = await ask(`pictures?${query({ name: picture.path })}`,
      { method: 'POST', body: picture.file });
    Object.assign(picture, await answer.json());
    picture.file = null;
    showStrip();
  })();
  return picture.sent;
}

let sending = Promise.resolve();
function thumbnailSoon(picture) {
  sending = sending.then(() => send(picture)).catch((error) => reject(picture, error));
}

function reject(picture, error) {
  const place = pictures.indexOf(picture);
  if (place < 0) return;
  pictures.splice(place, 1);
  const name = picture.path;
  notice(error.message.startsWith(name) ? error.message : `${name}: ${error.message}`);
  if (current === picture) { current = null; if (pictures.length) open(pictures[0]); }
  showStrip();
}

async function entries(items) {
  const found = [];
  async function walk(entry, path) {
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      found.push({ file, path: path + file.name });
      return;
    }
    const reader = entry.createReader();
    for (;;) {  // a reader gives at most a hundred at once
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return;
      for (const inner of some) await walk(inner, `${path}${entry.name}/`);
    }
  }
  for (const entry of items) await walk(entry, '');
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

// ---- a picture on the stage --------------------------------------------------------------------

async function open(picture) {
  current = picture;
  const isStill = () => current === picture;
  $('welcome').hidden = true;
  $('stage').hidden = $('panel').hidden = false;
  $('name').textContent = picture.path;
  $('facts').textContent = $('found').textContent = '';
  $('maps').hidden = $('overview').hidden = true;
  view.clear();
  status('reading');
  showStrip();
  try {
    await send(picture);
  } catch (error) {
    reject(picture, error);
    if (!pictures.length) welcome();
    return;
  }
  if (!isStill()) return;
  for (const warning of picture.warnings) notice(`${picture.name}: ${warning}`, true);
  picture.warnings = [];
  $('facts').textContent = `${picture.width} × ${picture.height}, ${picture.format}, ` +
    [picture.mode, `${picture.bits} bits`, ...picture.contents].join(', ');
  const shown = $('overview').querySelector('img');
  shown.src = `${base}pictures/${picture.key}/thumbnail`;
  shown.onload = () => { if (isStill()) { $('overview').hidden = false; view.frame(); } };
  view.open(picture);
  await examine();
}

function welcome() {
  $('welcome').hidden = false;
  $('stage').hidden = $('panel').hidden = true;
}

/** Ask what the noise is, say it, and show the result. */
async function examine() {
  const picture = current;
  if (!picture?.key) return;
  status('looking at the noise');
  try {
    const answer = await ask(`pictures/${picture.key}/noise?${query(kindOfNoise())}`);
    picture.noise = await answer.json();
  } catch (error) {
    status('');
    return notice(error.message);
  }
  if (current !== picture) return;
  const camera = picture.noise.brightness !== undefined;
  $('found').textContent = camera
    ? `a camera’s: ${picture.noise.brightness} of 255 in brightness, ${picture.noise.color} in color`
    : picture.noise.verdict === 'clean' ? 'found clean: it stays as it is'
      : `${picture.noise.words}, ${picture.noise.sigma} of 255`;
  if (picture.noise.weights.length) {
    $('found').textContent += `; removed by ${picture.noise.weights.join(' and ')}`;
  }
  $('maps').hidden = !camera;
  if (camera) {
    ['brightness', 'color'].forEach((of, place) => {
      $('maps').querySelectorAll('img')[place].src =
        `${base}pictures/${picture.key}/map/${of}?${query(kindOfNoise())}`;
    });
  }
  for (const slider of settings.sliders) {
    const off = slider.name !== 'strength' && !camera;
    slider.input.disabled = off;
    slider.row.classList.toggle('off', off);
  }
  view.refresh();
}

function status(text) { $('status').textContent = text; }

// ---- the view at 100 % -------------------------------------------------------------------------

const STRIP_PIXELS = 300e3;   // of a request: a first answer soon, and little in vain
const QUICK_PIXELS = 4 * STRIP_PIXELS;
const REST = 250;             // milliseconds without a change, before the quick result is replaced

const view = {
  left: 0, top: 0, wipe: 0.5, show: 'after',
  before: [], after: [],      // bitmaps with the place of their left top corner in the picture
  round: 0, running: null,

  clear() {
    this.before = []; this.after = []; this.round += 1; this.picture = null;
    this.draw();
  },

  open(picture) {
    this.picture = picture;
    const { width, height } = this.size();
    this.left = Math.max(0, Math.round((picture.width - width) / 2));
    this.top = Math.max(0, Math.round((picture.height - height) / 2));
    this.fetch('before', {});
    this.frame();
  },

  /** Pixels that the stage has room for, each one of the screen's own. */
  size() {
    const box = $('stage').getBoundingClientRect();
    const scale = window.devicePixelRatio;
    return { width: Math.round(box.width * scale), height: Math.round(box.height * scale) };
  },

  /** The visible part of the picture. */
  part() {
    const { width, height } = this.size();
    return {
      left: this.left, top: this.top,
      width: Math.min(width, this.picture.width - this.left),
      height: Math.min(height, this.picture.height - this.top),
    };
  },

  /** Where the picture's corner lies on the stage: a small picture stands in the middle. */
  offset() {
    const { width, height } = this.size();
    return {
      x: Math.max(0, Math.floor((width - this.picture.width) / 2)) - this.left,
      y: Math.max(0, Math.floor((height - this.picture.height) / 2)) - this.top,
    };
  },

  /** What is seen of the result, right of the wipe, and what is hidden left of it, in strips. */
  halves(pixels) {
    const part = this.part();
    const x = Math.round(this.wipe * this.size().width) - this.offset().x - part.left;
    const hidden = Math.min(Math.max(0, x), part.width);
    const right = { ...part, left: part.left + hidden, width: part.width - hidden };
    return [this.strips(right, pixels), this.strips({ ...part, width: hidden }, pixels)];
  },

  /** Horizontal strips of a part, the middle first. */
  strips(part, pixels) {
    if (!part.width) return [];
    const count = Math.max(1, Math.ceil((part.width * part.height) / pixels));
    const strips = [];
    for (let i = 0; i < count; i += 1) {
      const from = Math.round((part.height * i) / count);
      const to = Math.round((part.height * (i + 1)) / count);
      if (to > from) strips.push({ ...part, top: part.top + from, height: to - from });
    }
    const middle = part.top + part.height / 2;
    const distance = (strip) => Math.abs(strip.top + strip.height / 2 - middle);
    return strips.sort((a, b) => distance(a) - distance(b));
  },

  async bitmap(kind, part, more) {
    const answer = await ask(`pictures/${this.picture.key}/${kind}?${query({ ...part, ...more })}`);
    const image = await createImageBitmap(await answer.blob());
    return { image, left: part.left, top: part.top };
  },

  async fetch(kind, more) {
    const picture = this.picture;
    try {
      const found = await this.bitmap(kind, this.part(), more);
      if (this.picture !== picture) return;
      this[kind] = [found];
      this.draw();
    } catch (error) { notice(error.message); }
  },

  /** Show the result again. One request runs at a time; what is asked meanwhile comes after it. */
  refresh() {
    this.round += 1;
    this.asked = performance.now();
    this.wake?.();
    if (!this.running) this.running = this.follow().finally(() => { this.running = null; });
  },

  /** Show the newest round by each effort in turn, the quickest first, until a newer one begins. */
  async follow() {
    for (let round = -1; round !== this.round && this.picture;) {
      round = this.round;
      const picture = this.picture;
      const isOld = () => this.picture !== picture || this.round !== round;
      const efforts = picture.noise?.efforts ?? [''];
      const last = efforts.length - 1;
      try {
        for (let place = 0; place <= last && !isOld(); place += 1) {
          await this.showBy(efforts[place], place === last, isOld);
          if (place < last && !isOld()) await this.rest();
        }
      } catch (error) {
        status('');
        notice(error.message);
      }
    }
  },

  /** Wait until nothing has changed for a while, or something does. */
  rest() {
    return new Promise((done) => { this.wake = done; setTimeout(done, REST); });
  },

  /** Fetch and draw what is seen, and by the chosen effort what is hidden left of the wipe, too. */
  async showBy(effort, isChosen, isOld) {
    const begun = this.asked;
    const untouched = this.picture.noise?.nothing && this.show === 'after';
    const halves = this.halves(isChosen ? STRIP_PIXELS : QUICK_PIXELS);
    const [seen, hidden] = untouched ? [[this.part()], []] : halves;
    const old = this.after;  // seen until the new is there
    const fresh = [];
    const paint = async (strips) => {
      for (const strip of strips) {
        if (isOld()) return;
        const strength = $('strength').value;
        const kind = untouched ? 'before' : this.show;
        const more = untouched ? {} : { ...removal(), effort };
        fresh.push({ ...await this.bitmap(kind, strip, more), strength });
        if (isOld()) return;
        this.after = [...old.slice(-12), ...fresh];
        this.draw();
      }
    };
    await paint(seen);
    if (!isOld()) this.answered((performance.now() - begun) / 1000, effort);
    if (isChosen) await paint(hidden);
    if (isChosen && !isOld()) { this.after = fresh; this.draw(); }
  },

  answered(seconds, effort) {
    Object.assign($('stage').dataset, { seconds: seconds.toFixed(3), effort });
    status(`${effort && `effort ${effort}, `}${seconds.toFixed(2)} s`);
  },

  draw() {
    const canvas = $('canvas');
    const { width, height } = this.size();
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = canvas.getContext('2d');
    pen.clearRect(0, 0, width, height);
    $('line').style.left = `${100 * this.wipe}%`;
    if (!this.picture) return;
    const { x, y } = this.offset();
    const now = $('strength').value;
    for (const { image, left, top } of this.before) pen.drawImage(image, x + left, y + top);
    pen.save();
    pen.beginPath();
    pen.rect(Math.round(this.wipe * width), 0, width, height);
    pen.clip();
    for (const { image, left, top, strength } of this.after) {
      // Until the result of another strength is there, a share of the one before stands for it.
      pen.globalAlpha = this.show === 'after' && +strength ? Math.min(1, now / strength) : 1;
      pen.drawImage(image, x + left, y + top);
    }
    pen.restore();
  },

  /** Draw the visible part's frame on the small picture. */
  frame() {
    if (!this.picture) return;
    const image = $('overview').querySelector('img');
    const frame = $('overview').querySelector('i');
    const scale = image.clientWidth / this.picture.width;
    const part = this.part();
    for (const side of ['left', 'top', 'width', 'height']) {
      frame.style[side] = `${part[side] * scale}px`;
    }
  },

  move(left, top) {
    const { width, height } = this.size();
    const most = (length, shown) => Math.max(0, length - shown);
    this.left = Math.round(Math.min(Math.max(0, left), most(this.picture.width, width)));
    this.top = Math.round(Math.min(Math.max(0, top), most(this.picture.height, height)));
    this.draw();
    this.frame();
    clearTimeout(this.settled);
    this.settled = setTimeout(() => { this.fetch('before', {}); this.refresh(); }, 120);
  },

  setWipe(share) {
    this.wipe = Math.min(1, Math.max(0, share));
    $('wipe').value = Math.round(100 * this.wipe);
    this.draw();
  },
};

// ---- the strip of pictures ---------------------------------------------------------------------

function showStrip() {
  const strip = $('strip');
  strip.hidden = pictures.length < 2;
  $('save-all').hidden = pictures.length < 2;
  $('save-all').textContent = `Denoise all ${pictures.length} and save`;
  strip.replaceChildren(...pictures.map((picture) => {
    const button = document.createElement('button');
    const thumb = document.createElement('span');
    const label = document.createElement('span');
    thumb.className = 'thumb';
    label.className = 'label';
    label.textContent = picture.path.split('/').pop();
    button.title = picture.trouble || picture.path;
    button.className = picture.state;
    if (picture === current) button.setAttribute('aria-current', 'true');
    if (picture.key) {
      picture.small ??= Object.assign(new Image(), {
        src: `${base}pictures/${picture.key}/thumbnail`, alt: '', draggable: false });
      thumb.append(picture.small);
    }
    button.append(thumb, label);
    button.onclick = () => { if (picture !== current) open(picture); };
    return button;
  }));
}

// ---- whole results -----------------------------------------------------------------------------

/** Make the result of one picture, telling how far it is; answers its name. */
async function deliver(picture, how, tell, signal) {
  await send(picture);
  const answer = await ask(`pictures/${picture.key}/result?${query(how)}`,
    { method: 'POST', signal });
  let last = {};
  for await (const step of lines(answer.body)) {
    if (step.total) tell(step.done / step.total);
    last = step;
  }
  if (last.error) throw new Error(last.error);
  for (const warning of last.warnings) notice(`${picture.name}: ${warning}`, true);
  if (last.note) notice(`${picture.name}: ${last.note}`, true);
  Object.assign(picture, { state: 'done', trouble: '' });
  return last.name;
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

function download(path, name) {
  const link = Object.assign(document.createElement('a'), { href: base + path, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Work on whole results, with a progress bar and a button that stops it. */
async function work(job) {
  stopping = new AbortController();
  $('progress').hidden = false;
  $('save').disabled = $('save-all').disabled = true;
  const tell = (share, text) => {
    $('progress').querySelector('progress').value = share;
    if (text !== undefined) $('progress').querySelector('span').textContent = text;
  };
  try {
    await job(tell, stopping.signal);
  } catch (error) {
    if (error.name !== 'AbortError') notice(error.message);
  } finally {
    $('progress').hidden = true;
    $('save').disabled = $('save-all').disabled = false;
    showStrip();
  }
}

function saveOne() {
  const picture = current;
  const how = removal();
  work(async (tell, signal) => {
    tell(0, picture.path);
    const name = await deliver(picture, how, tell, signal);
    download(`pictures/${picture.key}/result`, name);
  });
}

function saveAll() {
  const how = removal();  // for all of them, whatever is tried out meanwhile
  work(async (tell, signal) => {
    const all = [...pictures];
    const done = [];
    for (const [place, picture] of all.entries()) {
      const text = `${place + 1} of ${all.length}: ${picture.path}`;
      tell(place / all.length, text);
      try {
        await deliver(picture, how, (share) => tell((place + share) / all.length, text), signal);
        done.push(picture.key);
      } catch (error) {
        if (error.name === 'AbortError') throw error;
        Object.assign(picture, { state: 'bad', trouble: error.message });
        notice(`${picture.path}: ${error.message}`);
      }
      showStrip();
    }
    if (!done.length) return;
    tell(1, 'packing');
    const answer = await ask('archives', { method: 'POST', body: JSON.stringify(done) });
    download(`archives/${(await answer.json()).key}`, 'denoised.zip');
    if (done.length < all.length) notice(`${all.length - done.length} of ${all.length} failed`);
  });
}

// ---- hands -------------------------------------------------------------------------------------

function listenToDrops() {
  const zone = document.body;
  addEventListener('dragover', (event) => { event.preventDefault(); zone.classList.add('over'); });
  addEventListener('dragleave', (event) => { if (!event.relatedTarget) zone.classList.remove('over'); });
  addEventListener('drop', async (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    const items = [...event.dataTransfer.items].filter((item) => item.kind === 'file');
    const found = items.map((item) => item.webkitGetAsEntry()).filter(Boolean);
    try { take(await entries(found)); } catch { notice('what was dropped can’t be read'); }
  });
  for (const id of ['files', 'folder', 'more']) {
    $(id).onchange = () => {
      take([...$(id).files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      $(id).value = '';
    };
  }
}

function listenToStage() {
  const stage = $('stage');
  let start = null;
  const share = (event) => {
    const box = stage.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  stage.onpointerdown = (event) => {
    stage.setPointerCapture(event.pointerId);
    const wiping = $('line').contains(event.target);
    start = { wiping, x: event.clientX, y: event.clientY, left: view.left, top: view.top };
    stage.classList.toggle('panning', !wiping);
  };
  stage.onpointermove = (event) => {
    if (!start || !view.picture) return;
    if (start.wiping) return view.setWipe(share(event));
    const scale = window.devicePixelRatio;
    view.move(start.left - (event.clientX - start.x) * scale,
      start.top - (event.clientY - start.y) * scale);
  };
  stage.onpointerup = stage.onpointercancel = () => {
    start = null;
    stage.classList.remove('panning');
  };
  const overview = $('overview');
  overview.onpointerdown = overview.onpointermove = (event) => {
    if (!event.buttons || !view.picture) return;
    const image = overview.querySelector('img').getBoundingClientRect();
    const scale = view.picture.width / image.width;
    const { width, height } = view.part();
    view.move((event.clientX - image.left) * scale - width / 2,
      (event.clientY - image.top) * scale - height / 2);
  };
  new ResizeObserver(() => { if (view.picture) view.move(view.left, view.top); }).observe(stage);
}

function makeSliders() {
  for (const slider of settings.sliders) {
    const row = document.createElement('label');
    const output = document.createElement('output');
    const input = document.createElement('input');
    row.className = 'slider';
    Object.assign(input, { type: 'range', min: slider.least, max: slider.most, step: slider.step,
      value: slider.value, id: slider.name });
    const show = () => { output.textContent = `${Math.round(100 * input.value)} %`; };
    input.oninput = () => { show(); if (view.picture?.noise) { view.draw(); view.refresh(); } };
    row.ondblclick = () => { input.value = slider.value; input.oninput(); };
    show();
    row.append(slider.label, output, input);
    $('sliders').append(row);
    Object.assign(slider, { input, row });
  }
}

async function begin() {
  try {
    settings = await (await ask('settings')).json();
  } catch (error) { return notice(error.message); }
  makeSliders();
  listenToDrops();
  listenToStage();
  $('wipe').oninput = () => view.setWipe($('wipe').value / 100);
  $('kind').onchange = () => { $('level-row').hidden = $('kind').value !== 'level'; examine(); };
  $('level').onchange = () => examine();
  for (const choice of document.getElementsByName('show')) {
    choice.onchange = () => {
      view.show = choice.value;
      $('right-tag').textContent = choice.value === 'after' ? 'after'
        : `what goes, ${settings.gain} times`;
      view.after = [];
      view.refresh();
    };
  }
  $('save').onclick = saveOne;
  $('save-all').onclick = saveAll;
  $('stop').onclick = () => stopping?.abort();
  addEventListener('pagehide', () => {
    const keys = pictures.map((picture) => picture.key).filter(Boolean);
    if (keys.length) navigator.sendBeacon(`${base}forget`, JSON.stringify(keys));
  });
  document.documentElement.dataset.ready = 'true';
}

begin();
