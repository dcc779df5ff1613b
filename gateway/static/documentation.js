"use strict";

// The examples name the address this page came from, so that they work when pasted.
for (const id of ["token-call", "first-call"]) {
  const element = document.getElementById(id);
  element.textContent = element.textContent.replace(/ (\/(?:oauth|v1)\S*)$/, (_, path) => ` ${location.origin}${path}`);
}

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#operations",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
});
