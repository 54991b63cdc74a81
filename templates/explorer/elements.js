/*
 * Makes elements. Whatever comes from the models becomes text or the value of an attribute, never markup.
 */
"use strict";

/** Return an HTML element; children are elements or text, and what is null or false is left out. */
function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Return an SVG element. */
function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Return text in which what stands in backticks is code, as the reasons and docstrings have it. */
function prose(text) {
  return text.split(/`([^`]*)`/).map((part, number) => (number % 2 ? h("code", {}, part) : part));
}

function plural(number, word, words = `${word}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? word : words}`;
}
