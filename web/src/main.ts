import { mount } from "svelte";

import App from "./App.svelte";
import { holdFocus } from "./focus.ts";
import "./style/style.css";

holdFocus();
mount(App, { target: document.getElementById("studio") as HTMLElement });
