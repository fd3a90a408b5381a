// What is checked inside of a page, as it is laid out at the moment. The value of this script is a function that
// returns a list of problems.
(function () {
  function name(element) {
    const text = element.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
    const classes = element.className && typeof element.className === "string" ? "." + element.className : "";
    return `<${element.localName}${classes}> "${text}"`;
  }

  function scrolls(element) {
    return /^(auto|scroll)$/.test(getComputedStyle(element).overflowX);
  }

  // The nearest ancestor that scrolls sideways; null if the page itself shows the element.
  function scrollerOf(element) {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (scrolls(at)) return at;
    }
    return null;
  }

  function isShown(element) {
    return element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true });
  }

  // No element is wider than its page, and what scrolls stays in its column. Tables of the reference need not scroll.
  // Half a pixel is rounding.
  function widths(problems) {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) {
      problems.push(`the page is ${document.documentElement.scrollWidth} wide, its window ${width}`);
    }
    const main = document.querySelector("main");
    const column = main && main.getBoundingClientRect();
    for (const element of document.body.querySelectorAll("*")) {
      if (!isShown(element)) continue;
      const box = element.getBoundingClientRect();
      if (box.width === 0 || scrollerOf(element)) continue;
      if (box.right > width + 0.5 || box.left < -0.5) problems.push(`wider than the page: ${name(element)}`);
      else if (column && main.contains(element) && (box.right > column.right + 0.5 || box.left < column.left - 0.5)) {
        problems.push(`leaves its column: ${name(element)}`);
      }
      if (element.querySelector(":scope > .fields") && element.scrollWidth > element.clientWidth) {
        problems.push(`fields that have to be scrolled: ${name(element)}`);
      }
      const style = getComputedStyle(element);
      const isCut = style.overflowX === "hidden" || style.overflowX === "clip";
      if (isCut && element.scrollWidth > element.clientWidth + 1) problems.push(`cut off: ${name(element)}`);
    }
  }

  function parse(color) {
    const parts = color.match(/[\d.]+/g).map(Number);
    return { r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1 };
  }

  function over(top, bottom) {
    const mix = (a, b) => a * top.a + b * (1 - top.a);
    return { r: mix(top.r, bottom.r), g: mix(top.g, bottom.g), b: mix(top.b, bottom.b), a: 1 };
  }

  // What is painted behind the text of an element.
  function backOf(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      layers.push(parse(style.backgroundColor));
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches
      && getComputedStyle(document.documentElement).colorScheme.includes("dark");
    let back = dark ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 }; // Chromium's own canvas
    for (const layer of layers.reverse()) back = over(layer, back);
    return back;
  }

  // The relative luminance of WCAG 2.
  function luminance(color) {
    const part = (value) => {
      const s = value / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(color.r) + 0.7152 * part(color.g) + 0.0722 * part(color.b);
  }

  function ratio(a, b) {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  }

  function opacity(element) {
    let value = 1;
    for (let at = element; at; at = at.parentElement) value *= Number(getComputedStyle(at).opacity);
    return value;
  }

  function judge(problems, element, style) {
    const back = backOf(element);
    if (!back) return problems.push(`an image behind text: ${name(element)}`);
    const color = parse(style.color);
    color.a *= opacity(element);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = ratio(over(color, back), back);
    const least = isLarge ? 3 : 4.5;
    if (found < least) problems.push(`contrast ${found.toFixed(2)} below ${least}: ${name(element)}`);
  }

  // WCAG 2 AA for each element that has text of its own.
  function contrast(problems) {
    for (const element of document.body.querySelectorAll("*")) {
      if (!isShown(element)) continue;
      const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (hasText) judge(problems, element, getComputedStyle(element));
      if (element.placeholder) judge(problems, element, getComputedStyle(element, "::placeholder"));
    }
  }

  function head(problems) {
    if (!document.title.trim()) problems.push("no title");
    const titles = document.querySelectorAll("h1");
    if (titles.length !== 1 || !titles[0].textContent.trim()) problems.push(`${titles.length} headings <h1>`);
    if (!document.documentElement.lang) problems.push("no language");
    if (!document.querySelector('meta[name="viewport"]')) problems.push("no viewport");
    const seen = new Set();
    for (const element of document.querySelectorAll("[id]")) {
      if (seen.has(element.id)) problems.push(`the id ${element.id} is there twice`);
      seen.add(element.id);
    }
  }

  return function () {
    const problems = [];
    for (const details of document.querySelectorAll("details")) details.open = true;
    head(problems);
    widths(problems);
    contrast(problems);
    return problems;
  };
})()
